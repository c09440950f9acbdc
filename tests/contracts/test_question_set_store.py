"""What every QuestionSetStore does: the stand-in and MongoDB, word for word the same."""

from datetime import UTC, datetime

import pytest

from llm_engineering.application.ports.question_sets import QuestionSetStore
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.evaluation import CorpusQuestion, QuestionSet
from llm_engineering.domain.ids import document_id
from llm_engineering.infrastructure.in_memory.question_set_store import InMemoryQuestionSetStore


@pytest.fixture(params=["in_memory", "mongo"])
def store(request: pytest.FixtureRequest) -> QuestionSetStore:
    if request.param == "in_memory":
        return InMemoryQuestionSetStore()
    mongo: QuestionSetStore = request.getfixturevalue("question_set_store")
    return mongo


def questions(version: int, text: str = "Which tide follows the moon? 潮汐") -> QuestionSet:
    question = CorpusQuestion(
        id="1",
        text=text,
        document_id=document_id("https://example.org/tides"),
        revision="r" * 64,
        start=10,
        end=90,
    )
    return QuestionSet(
        version=version,
        wording="headings",
        seed=17,
        made_at=datetime(2026, 3, 4, 5, 6, 7, 891_011, tzinfo=UTC),
        questions=(question,),
    )


def test_what_was_saved_comes_back_exactly(store: QuestionSetStore) -> None:
    store.save(questions(1))
    assert store.get(1) == questions(1)


def test_the_latest_is_the_highest_version(store: QuestionSetStore) -> None:
    for version in (2, 10, 9):
        store.save(questions(version))
    latest = store.latest()
    assert latest is not None
    assert latest.version == 10


def test_there_is_nothing_at_first(store: QuestionSetStore) -> None:
    assert store.latest() is None
    assert store.get(1) is None


def test_a_version_is_never_altered(store: QuestionSetStore) -> None:
    store.save(questions(1))
    with pytest.raises(InvalidInput, match="version 1"):
        store.save(questions(1, "another"))
    assert store.get(1) == questions(1)


def test_ten_thousand_questions_are_kept(store: QuestionSetStore) -> None:
    one = questions(1, "x" * 120)
    many = one.model_copy(update={"questions": one.questions * 10_000})
    store.save(many)
    assert store.latest() == many
