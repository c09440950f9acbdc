"""Records that somebody else wrote into our collections: one line names them, none is half read."""

import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from llm_engineering.application.ports.crawling import Link, Target
from llm_engineering.application.ports.frontier import DeadLetter, PageMemory
from llm_engineering.domain.api_keys import ApiKey, Scope
from llm_engineering.domain.errors import IntegrityError
from llm_engineering.domain.evaluation import QuestionSet
from llm_engineering.domain.feedback import Feedback, ServedAnswer, Vote
from llm_engineering.infrastructure.mongo.api_key_store import MongoApiKeyStore
from llm_engineering.infrastructure.mongo.crawl_memory import MongoCrawlMemory, MongoDeadLetters
from llm_engineering.infrastructure.mongo.database import MongoDatabase
from llm_engineering.infrastructure.mongo.feedback_store import MongoFeedbackStore
from llm_engineering.infrastructure.mongo.question_set_store import MongoQuestionSetStore
from llm_engineering.infrastructure.mongo.store import MongoDocumentStore
from tests.contracts.document_making import article, cleaned_of

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PAGE = "https://a.org/page"

Reading = Callable[[MongoDatabase], object]


def question_sets(database: MongoDatabase) -> object:
    store = MongoQuestionSetStore(database)
    if not store.get(1):
        store.save(QuestionSet(version=1, wording="headings", seed=1, made_at=NOW, questions=()))
    return store.latest()


def api_keys(database: MongoDatabase) -> object:
    store, key_id = MongoApiKeyStore(database), "a" * 12
    if not store.get(key_id):
        key = ApiKey(id=key_id, name="bot", digest="d" * 64, scopes=(Scope.READ,), created_at=NOW)
        store.add(key)
    return store.all()


def served_answers(database: MongoDatabase) -> object:
    store = MongoFeedbackStore(database)
    if not list(store.rated()):
        answer = ServedAnswer(
            request_id="r",
            key_id=None,
            question="When?",
            answer="At ebb.",
            grounded=True,
            model="m",
            release="r1",
            documents=(),
            at=NOW,
            feedback=Feedback(vote=Vote.UP, at=NOW),
        )
        store.record([answer])
    return list(store.rated())


def pages(database: MongoDatabase) -> object:
    memory = MongoCrawlMemory(database)
    if not memory.recall([PAGE]):
        targets = (Target(url="https://a.org/next"),)
        memory.remember(
            PageMemory(url=PAGE, context="c", targets=targets, listed_by="https://a.org/")
        )
    return memory.recall([PAGE]), list(memory.listed_by("https://a.org/"))


def dead_letters(database: MongoDatabase) -> object:
    letters, target = MongoDeadLetters(database), Target(url=PAGE)
    if not letters.all():
        letter = DeadLetter(
            url=PAGE,
            target=target,
            stage="fetch",
            reason="gone",
            failed_at=NOW,
            transient=False,
            link=Link(url=PAGE),
        )
        letters.replace(target, [letter])
    return letters.all()


READINGS: dict[str, tuple[str, Reading]] = {
    "question_sets": ("questions of version 1", question_sets),
    "api_keys": ("the API key aaaaaaaaaaaa", api_keys),
    "served_answers": ("the served answer", served_answers),
    "pages": (f"what is known of the page {PAGE}", pages),
    "dead_letters": (f"the dead letter {PAGE}", dead_letters),
}


# what the key says is believed, whatever stands beside it
SAID_BY_THE_KEY = {("question_sets", "version"), ("api_keys", "id")}
UNKNOWN = {(name, field) for name in READINGS for field in ("of_another_release", "id", "version")}


@pytest.mark.parametrize(("collection", "field"), sorted(UNKNOWN - SAID_BY_THE_KEY))
def test_a_field_that_nobody_knows_is_named_with_its_record(
    mongo_database: MongoDatabase, collection: str, field: str
) -> None:
    what, reading = READINGS[collection]
    assert reading(mongo_database)
    change(mongo_database, collection, {field: "x"})
    with pytest.raises(IntegrityError) as told:
        reading(mongo_database)
    assert str(told.value).startswith(what)
    assert field in str(told.value)
    assert "\n" not in str(told.value)


def change(database: MongoDatabase, collection: str, fields: dict[str, Any]) -> None:
    done = database.collection(collection).update_many({}, {"$set": fields})
    assert done.matched_count == 1


@pytest.mark.parametrize(
    "targets",
    [b"no zlib", zlib.compress(b"[{"), zlib.compress(b'[{"url": 1}]'), "text", 7],
    ids=["no zlib", "no JSON", "no target", "a text", "a number"],
)
def test_damaged_targets_of_a_page_are_told(mongo_database: MongoDatabase, targets: object) -> None:
    pages(mongo_database)
    change(mongo_database, "pages", {"targets": targets})
    with pytest.raises(IntegrityError, match=f"the page {PAGE}: targets"):
        pages(mongo_database)


@pytest.mark.parametrize("targets", [b"", None])
def test_a_page_that_named_nothing_is_no_damaged_one(
    mongo_database: MongoDatabase, targets: object
) -> None:
    pages(mongo_database)
    change(mongo_database, "pages", {"targets": targets})
    (page,) = MongoCrawlMemory(mongo_database).recall([PAGE]).values()
    assert page.targets == (() if targets == b"" else None)


def test_a_damaged_document_is_told_by_whoever_reads_it(
    document_store: MongoDocumentStore, mongo_database: MongoDatabase
) -> None:
    document = article(raw=b"<p>raw")
    document_store.save(document)
    document_store.save_cleaned(cleaned_of(document, "text"))
    change(mongo_database, "raw", {"zlib": b"no zlib"})
    with pytest.raises(IntegrityError, match="raw bytes of"):
        document_store.current(document.id)
    (listed,) = document_store.documents()
    assert listed.id == document.id, "they are read without raw bytes"
    change(mongo_database, "raw", {"zlib": zlib.compress(b"<p>raw")})
    change(mongo_database, "revisions", {"title": 7})
    for read in (
        lambda: document_store.current(document.id),
        lambda: document_store.revision(document.id, document.revision),
        lambda: list(document_store.documents()),
    ):
        with pytest.raises(IntegrityError, match="title"):
            read()
    change(mongo_database, "cleaned", {"category": "poems"})
    with pytest.raises(IntegrityError, match="category 'poems'"):
        document_store.cleaned(document.id, document.revision)
