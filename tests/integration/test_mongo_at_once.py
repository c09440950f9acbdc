"""Many at the same moment: each store of MongoDB keeps its promise to every one of them."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from llm_engineering.application.ports.crawling import Target
from llm_engineering.application.ports.frontier import PageMemory
from llm_engineering.domain.api_keys import ApiKey, Scope
from llm_engineering.domain.documents import Tombstone, UserDocument, author_mark
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.evaluation import QuestionSet
from llm_engineering.domain.feedback import Feedback, ServedAnswer, Vote
from llm_engineering.domain.types import SaveOutcome
from llm_engineering.infrastructure.mongo.api_key_store import MongoApiKeyStore
from llm_engineering.infrastructure.mongo.crawl_memory import MongoCrawlMemory
from llm_engineering.infrastructure.mongo.database import MongoDatabase
from llm_engineering.infrastructure.mongo.feedback_store import MongoFeedbackStore
from llm_engineering.infrastructure.mongo.question_set_store import MongoQuestionSetStore
from llm_engineering.infrastructure.mongo.store import MongoDocumentStore
from tests.contracts.document_making import article

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MANY = 8


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Returns what each call gave, or the InvalidInput that it raised; all begin together."""
    together = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        together.wait(20)
        try:
            return call()
        except InvalidInput as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def refused(given: list[object]) -> int:
    return sum(isinstance(one, InvalidInput) for one in given)


def key(name: str) -> ApiKey:
    return ApiKey(id="a" * 12, name=name, digest="d" * 64, scopes=(Scope.READ,), created_at=NOW)


def test_one_of_many_api_keys_with_the_same_id_is_kept_whole(
    mongo_database: MongoDatabase,
) -> None:
    store = MongoApiKeyStore(mongo_database)
    given = at_once(*(partial(store.add, key(f"bot {n}")) for n in range(MANY)))
    assert refused(given) == MANY - 1
    (kept,) = store.all()
    assert kept.name == f"bot {given.index(None)}"


def test_of_many_who_end_a_key_the_first_end_stays(mongo_database: MongoDatabase) -> None:
    store = MongoApiKeyStore(mongo_database)
    store.add(key("bot"))
    ends = [NOW + timedelta(hours=n) for n in range(MANY)]
    assert at_once(*(partial(store.revoke, "a" * 12, at) for at in ends)) == [True] * MANY
    ended = store.get("a" * 12)
    assert ended is not None
    assert ended.revoked_at in ends
    before = ended.revoked_at
    store.revoke("a" * 12, NOW + timedelta(days=9))
    again = store.get("a" * 12)
    assert again is not None
    assert again.revoked_at == before


def test_a_version_of_questions_is_taken_once(mongo_database: MongoDatabase) -> None:
    store = MongoQuestionSetStore(mongo_database)

    def save(seed: int) -> None:
        store.save(QuestionSet(version=1, wording="headings", seed=seed, made_at=NOW, questions=()))

    given = at_once(*(partial(save, n) for n in range(MANY)))
    assert refused(given) == MANY - 1
    kept = store.latest()
    assert kept is not None
    assert kept.seed == given.index(None)


def test_feedback_that_comes_while_answers_are_recorded_is_not_lost(
    mongo_database: MongoDatabase,
) -> None:
    store = MongoFeedbackStore(mongo_database)
    good = Feedback(vote=Vote.UP, at=NOW)

    def serve(number: int) -> bool:
        answer = ServedAnswer(
            request_id=f"r{number}",
            key_id=None,
            question="When?",
            answer="At ebb.",
            grounded=True,
            model="m",
            release="r1",
            documents=(),
            at=datetime.now(UTC),
        )
        store.record([answer])
        return store.rate(f"r{number}", None, good)

    assert at_once(*(partial(serve, n) for n in range(MANY))) == [True] * MANY
    rated = sorted(one.request_id for one in store.rated())
    assert rated == [f"r{number}" for number in range(MANY)]


def test_the_same_page_may_be_remembered_by_many(mongo_database: MongoDatabase) -> None:
    memory = MongoCrawlMemory(mongo_database)

    def remember(number: int) -> None:
        target = Target(url=f"https://a.org/{number}")
        memory.remember(PageMemory(url="https://a.org/", context=str(number), targets=(target,)))

    at_once(*(partial(remember, n) for n in range(MANY)))
    (page,) = memory.recall(["https://a.org/"]).values()
    assert page.targets == (Target(url=f"https://a.org/{page.context}"),), "of one, and whole"


def test_of_many_new_revisions_each_is_kept_and_one_is_current(
    document_store: MongoDocumentStore,
) -> None:
    texts = [article(content=f"The tide turns {n} times.", days=n) for n in range(MANY)]
    given = at_once(*(partial(document_store.save, one) for one in texts))
    assert Counter(given) == {SaveOutcome.NEW: 1, SaveOutcome.CHANGED: MANY - 1}
    held = document_store.revisions(texts[0].id)
    assert sorted(held) == sorted(one.revision for one in texts)
    current = document_store.current(texts[0].id)
    assert current in texts
    assert document_store.counts()["revisions"] == MANY


def test_the_same_author_is_in_the_catalogue_once(document_store: MongoDocumentStore) -> None:
    ada = UserDocument.named("Ada Lovelace")
    calls = [lambda: document_store.add_user(ada)] * MANY
    documents = [article(f"page{n}", author="Ada Lovelace") for n in range(MANY)]
    saves = [partial(document_store.save, one) for one in documents]
    at_once(*calls, *saves)
    assert list(document_store.users()) == [ada]


def test_what_is_forgotten_while_many_save_it_does_not_come_back(
    document_store: MongoDocumentStore,
) -> None:
    documents = [article(f"page{n}", author="Ada Lovelace") for n in range(MANY)]
    mark = author_mark("Ada Lovelace")
    tombstone = Tombstone(id=mark, of="author", at=NOW)
    saves = [partial(document_store.save, one) for one in documents]
    given = at_once(lambda: document_store.bury([tombstone]), *saves)
    kept = {one.id for one in document_store.documents()}
    for document, outcome in zip(documents, given[1:], strict=True):
        if outcome is SaveOutcome.FORGOTTEN:
            assert document.id not in kept
    again = [document_store.save(one) for one in documents]
    assert again == [SaveOutcome.FORGOTTEN] * MANY


@pytest.mark.parametrize("held", [0, 5])
def test_deleting_at_once_deletes_once_and_nothing_else(
    document_store: MongoDocumentStore, held: int
) -> None:
    gone = [article(f"gone{n}").id for n in range(3)]
    for name in [*(f"gone{n}" for n in range(3)), *(f"held{n}" for n in range(held))]:
        document_store.save(article(name))
    at_once(*[lambda: document_store.delete(gone, [])] * 4)
    assert document_store.held(gone, []) == dict.fromkeys(
        ["documents", "revisions", "raw", "cleaned", "users"], 0
    )
    assert len(list(document_store.documents())) == held
