import threading
from collections.abc import Sequence
from uuid import UUID

import pytest

from llm_engineering.application.rag.answer_recorder import AnswerRecorder
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.feedback import ServedAnswer
from llm_engineering.infrastructure.in_memory.feedback_store import InMemoryFeedbackStore
from tests.builders import numbered_id
from tests.contracts.test_feedback_store import GOOD, served

WAIT_S = 10


class Slow(InMemoryFeedbackStore):
    """Stores nothing until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def record(self, served: Sequence[ServedAnswer]) -> None:
        assert self.let.wait(WAIT_S)
        super().record(served)


def test_feedback_finds_an_answer_that_still_waits() -> None:
    store = Slow()
    recorder = AnswerRecorder(store)
    recorder.record(served())
    threading.Timer(0.02, store.let.set).start()
    assert recorder.rate("request-1", "ada", GOOD)
    assert not recorder.rate("request-2", "ada", GOOD)
    recorder.close()


def test_recording_never_waits_and_drops_what_is_too_much() -> None:
    store = Slow()
    recorder = AnswerRecorder(store, capacity=2)
    for n in range(5):
        recorder.record(served(f"request-{n}"))
    assert recorder.dropped == 3
    store.let.set()
    recorder.close()
    assert store.count(served().documents) == 2


def test_an_outage_drops_the_answer_and_not_the_recorder(caplog: pytest.LogCaptureFixture) -> None:
    class Down(InMemoryFeedbackStore):
        def record(self, served: Sequence[ServedAnswer]) -> None:
            if served[0].request_id == "request-1":
                raise StoreUnavailable("mongo is down")
            super().record(served)

    store = Down()
    recorder = AnswerRecorder(store, capacity=1)
    recorder.record(served())
    assert not recorder.rate("request-1", "ada", GOOD)
    assert recorder.dropped == 1
    assert "request-1" in caplog.text
    recorder.record(served("request-2"))
    assert recorder.rate("request-2", "ada", GOOD)
    recorder.close()


def test_what_was_made_from_a_forgotten_document_does_not_stay() -> None:
    store = InMemoryFeedbackStore()
    forgotten = {numbered_id(7)}
    recorder = AnswerRecorder(store, forgotten.intersection)
    recorder.record(served("request-1", documents=(1, 7)))
    recorder.record(served("request-2", documents=(1, 2)))
    recorder.close()
    assert store.count([numbered_id(7)]) == 0
    assert store.count([numbered_id(1)]) == 1


def test_a_document_that_is_forgotten_while_its_answer_is_written_is_forgotten() -> None:
    forgotten: set[UUID] = set()

    class Forgetting(InMemoryFeedbackStore):
        """Somebody forgets just before the answer comes: there is nothing to delete yet."""

        def record(self, served: Sequence[ServedAnswer]) -> None:
            forgotten.update(served[0].documents)
            self.remove(forgotten)
            super().record(served)

    store = Forgetting()
    recorder = AnswerRecorder(store, forgotten.intersection)
    recorder.record(served())
    recorder.close()
    assert store.count(served().documents) == 0


def test_after_its_end_answers_are_dropped() -> None:
    recorder = AnswerRecorder(InMemoryFeedbackStore())
    recorder.close()
    recorder.record(served())
    assert recorder.dropped == 1
