"""What every FeedbackStore does: the stand-in and MongoDB, word for word the same."""

from datetime import UTC, datetime

import pytest

from llm_engineering.application.ports.feedback import FeedbackStore
from llm_engineering.domain.feedback import Feedback, ServedAnswer, Vote
from llm_engineering.infrastructure.in_memory.feedback_store import InMemoryFeedbackStore
from tests.builders import numbered_id

# MongoDB deletes what is thirty days old
NOW = datetime.now(UTC)
GOOD = Feedback(vote=Vote.UP, at=NOW)
BAD = Feedback(vote=Vote.DOWN, better_answer="At noon. 潮汐", at=NOW)


@pytest.fixture(params=["in_memory", "mongo"])
def store(request: pytest.FixtureRequest) -> FeedbackStore:
    if request.param == "in_memory":
        return InMemoryFeedbackStore()
    mongo: FeedbackStore = request.getfixturevalue("feedback_store")
    return mongo


def served(
    request_id: str = "request-1", key_id: str | None = "ada", documents: tuple[int, ...] = (1, 2)
) -> ServedAnswer:
    return ServedAnswer(
        request_id=request_id,
        key_id=key_id,
        question="When?",
        answer="At ebb [1].",
        grounded=True,
        model="local:tiny",
        release="r1",
        documents=tuple(map(numbered_id, documents)),
        at=NOW,
    )


def test_an_answer_comes_back_with_its_feedback_exactly(store: FeedbackStore) -> None:
    store.record([served()])
    assert store.rate("request-1", "ada", BAD)
    assert list(store.rated()) == [served().model_copy(update={"feedback": BAD})]


def test_answers_without_feedback_are_no_samples(store: FeedbackStore) -> None:
    store.record([served()])
    assert list(store.rated()) == []


def test_the_latest_feedback_counts(store: FeedbackStore) -> None:
    store.record([served()])
    for feedback in (BAD, GOOD):
        assert store.rate("request-1", "ada", feedback)
    assert [one.feedback for one in store.rated()] == [GOOD]


@pytest.mark.parametrize("key_id", ["grace", None])
def test_nobody_rates_the_answer_of_another(store: FeedbackStore, key_id: str | None) -> None:
    store.record([served()])
    assert not store.rate("request-1", key_id, GOOD)
    assert not store.rate("request-2", "ada", GOOD)
    assert list(store.rated()) == []


def test_the_same_request_id_of_two_keys_is_two_answers(store: FeedbackStore) -> None:
    store.record([served(key_id="ada")])
    store.record([served(key_id=None)])
    assert store.rate("request-1", None, GOOD)
    assert [one.key_id for one in store.rated()] == [None]


def test_what_was_made_from_documents_is_counted_and_deleted(store: FeedbackStore) -> None:
    for request_id, documents in (("a", (1, 2)), ("b", (2, 3)), ("c", (4,)), ("d", ())):
        store.record([served(request_id, documents=documents)])
        store.rate(request_id, "ada", GOOD)
    gone = [numbered_id(2), numbered_id(9)]
    assert store.count(gone) == 2
    assert store.count([]) == 0
    store.remove([])
    store.remove(gone)
    assert store.count(gone) == 0
    assert sorted(one.request_id for one in store.rated()) == ["c", "d"]
