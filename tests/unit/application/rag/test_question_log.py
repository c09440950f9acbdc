import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from llm_engineering.application.rag.question_log import QuestionLog
from llm_engineering.domain.answers import Answer, AnswerMode
from llm_engineering.domain.queries import Query, ScoredChunk, SearchFilters
from llm_engineering.infrastructure.in_memory.tracking import InMemoryTask, InMemoryTracker
from tests.unit.application.dataset.chunk_making import article_chunk

ANSWER = Answer(
    text="It yields values [1].",
    grounded=True,
    mode=AnswerMode.GENERATED,
    model="local:small",
    timings_ms={"retrieve": 12.5, "generate": 800.0},
)
FOUND = (
    ScoredChunk(chunk=article_chunk(position=0), scores={"dense": 0.8, "rrf": 0.03}),
    ScoredChunk(chunk=article_chunk(position=1), scores={"rrf": 0.01}),
)
QUERY = Query(text="What is a generator?", filters=SearchFilters(authors=("Ada Lovelace",)))


class GatedTracker(InMemoryTracker):
    """A tracker that takes nothing before `gate` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.reached = threading.Event()

    @contextmanager
    def task(self, name: str, kind: str) -> Iterator[InMemoryTask]:
        self.reached.set()
        self.gate.wait(30)
        with super().task(name, kind) as task:
            yield task


class BrokenTracker(InMemoryTracker):
    """A tracker that fails."""

    @contextmanager
    def task(self, name: str, kind: str) -> Iterator[InMemoryTask]:
        raise OSError("no space left on device")
        yield


def test_close_flushes_every_question_at_its_own_iteration() -> None:
    tracker = InMemoryTracker()
    with QuestionLog(tracker, "questions") as log:
        for _ in range(3):
            log.record(ANSWER, FOUND, QUERY)
    (task,) = tracker.tasks
    assert (task.name, task.kind, task.outcome) == ("questions", "inference", "done")
    latencies = [entry for entry in task.recorded_scalars if entry[0] == "latency in ms"]
    assert latencies == [("latency in ms", n, ANSWER.timings_ms) for n in (1, 2, 3)]
    assert [n for title, n, _ in task.recorded_scalars if title == "answer"] == [1, 2, 3]


def test_the_question_its_filters_and_the_chunks_with_their_scores_are_there() -> None:
    tracker = InMemoryTracker()
    with QuestionLog(tracker, "questions") as log:
        log.record(ANSWER, FOUND, QUERY)
    tables = {title: rows for title, _, rows in tracker.tasks[0].recorded_tables}
    assert tables["question"][0]["question"] == QUERY.text
    assert tables["question"][0]["filters"] == '{"authors":["Ada Lovelace"]}'
    assert [row["chunk"] for row in tables["found"]] == [str(s.chunk.id) for s in FOUND]
    assert [(row["dense"], row["rrf"]) for row in tables["found"]] == [(0.8, 0.03), (None, 0.01)]


def test_a_refusal_without_chunks_is_logged_as_not_grounded() -> None:
    tracker = InMemoryTracker()
    refusal = Answer(text="Not in the sources.", grounded=False, mode="refused", model="m")
    with QuestionLog(tracker, "questions") as log:
        log.record(refusal, (), QUERY)
    (task,) = tracker.tasks
    assert task.recorded_scalars == [("answer", 1, {"grounded": 0.0})]
    assert [title for title, _, _ in task.recorded_tables] == ["question"]


def test_no_question_opens_no_task() -> None:
    tracker = InMemoryTracker()
    QuestionLog(tracker, "questions").close()
    assert tracker.tasks == []


def test_a_slow_tracker_does_not_slow_record() -> None:
    tracker = GatedTracker()
    log = QuestionLog(tracker, "questions")
    began = time.perf_counter()
    for _ in range(100):
        log.record(ANSWER, FOUND, QUERY)
    assert time.perf_counter() - began < 5  # the tracker alone would take 30 s
    assert tracker.tasks == []
    tracker.gate.set()
    log.close()
    assert len(tracker.tasks[0].recorded_tables) == 200


def test_a_full_queue_drops_and_counts() -> None:
    tracker = GatedTracker()
    log = QuestionLog(tracker, "questions", capacity=3)
    log.record(ANSWER, FOUND, QUERY)
    assert tracker.reached.wait(10)  # the first question has left the queue
    for _ in range(5):
        log.record(ANSWER, FOUND, QUERY)
    assert log.dropped == 2
    tracker.gate.set()
    log.close()
    assert max(n for _, n, _ in tracker.tasks[0].recorded_scalars) == 4


def test_after_close_questions_are_dropped_and_counted() -> None:
    log = QuestionLog(InMemoryTracker(), "questions")
    log.close()
    log.close()
    log.record(ANSWER, FOUND, QUERY)
    assert log.dropped == 1


def test_a_failing_tracker_neither_raises_nor_hangs(caplog: pytest.LogCaptureFixture) -> None:
    log = QuestionLog(BrokenTracker(), "questions", capacity=2)
    for _ in range(10):
        log.record(ANSWER, FOUND, QUERY)
    log.close()
    assert 7 <= log.dropped <= 10
    assert "no longer logged" in caplog.text
