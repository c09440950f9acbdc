import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from llm_engineering.application.tracking.config import TrackingConfig
from llm_engineering.application.tracking.question_tracker import QuestionTracker
from llm_engineering.application.tracking.served import sampled
from llm_engineering.domain.redaction import Redaction
from llm_engineering.infrastructure.in_memory.tracking import InMemoryTask, InMemoryTracker
from tests.unit.application.tracking.serving import RELEASE, Clock, rated, served


def tracking(tracker: InMemoryTracker, **config: float) -> QuestionTracker:
    return QuestionTracker(
        tracker,
        lambda: RELEASE,
        TrackingConfig.model_validate({"pause_s": 0.0, **config}),
        Clock(),
        Redaction(),
    )


def asked(task: InMemoryTask) -> list[str]:
    return [
        str(row["request"])
        for title, _, rows in task.recorded_tables
        if title == "questions"
        for row in rows
    ]


class GatedTracker(InMemoryTracker):
    """A tracker that takes nothing before `gate` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.reached = threading.Event()

    @contextmanager
    def task(self, name: str, kind: str, *, continues: bool = False) -> Iterator[InMemoryTask]:
        self.reached.set()
        self.gate.wait(30)
        with super().task(name, kind, continues=continues) as task:
            yield task


class FailingTracker(InMemoryTracker):
    """A tracker that fails the first times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    @contextmanager
    def task(self, name: str, kind: str, *, continues: bool = False) -> Iterator[InMemoryTask]:
        if self._times:
            self._times -= 1
            raise OSError("no space left on device")
        with super().task(name, kind, continues=continues) as task:
            yield task


def test_what_was_noted_is_with_the_tracker_when_it_is_closed() -> None:
    tracker = InMemoryTracker()
    with tracking(tracker) as questions:
        for n in range(3):
            questions.served(served(f"request-{n}"))
        questions.rated(rated("request-1"))
    (task,) = tracker.tasks
    assert task.outcome == "done"
    assert asked(task) == ["request-0", "request-1", "request-2"]
    feedback = [rows for title, _, rows in task.recorded_tables if title == "feedback"]
    assert [row["iteration"] for row in feedback[0]] == [2]
    assert questions.dropped == 0


def test_only_the_sample_is_tracked_with_its_feedback() -> None:
    tracker = InMemoryTracker()
    ids = [f"request-{n}" for n in range(40)]
    with tracking(tracker, share=0.5) as questions:
        for request_id in ids:
            questions.served(served(request_id))
            questions.rated(rated(request_id))
    chosen = [request_id for request_id in ids if sampled(request_id, 0.5)]
    assert 0 < len(chosen) < 40
    assert asked(tracker.tasks[0]) == chosen
    assert tracker.tasks[0].recorded_scalars[-1][2]["up"] == len(chosen)
    assert questions.dropped == 0, "what is not in the sample is not lost"


def test_a_slow_tracker_slows_nobody_and_what_does_not_fit_is_counted() -> None:
    tracker = GatedTracker()
    questions = tracking(tracker, waiting=3)
    questions.served(served("request-0"))
    assert tracker.reached.wait(10)  # the first question has left the queue
    began = time.perf_counter()
    for n in range(1, 101):
        questions.served(served(f"request-{n}"))
    assert time.perf_counter() - began < 5  # the tracker alone would take 30 s
    assert (questions.dropped, tracker.tasks) == (97, [])
    tracker.gate.set()
    questions.close()
    (task,) = tracker.tasks
    assert asked(task) == ["request-0", "request-1", "request-2", "request-3"]
    told = [values for title, _, values in task.recorded_scalars if title == "window: counts"]
    assert told == [{"questions": 4, "dropped": 97}]


def test_after_a_failure_it_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    tracker = FailingTracker(times=2)
    with tracking(tracker) as questions:
        for n in range(4):
            questions.served(served(f"request-{n}"))
    assert asked(tracker.tasks[0]) == ["request-2", "request-3"]
    assert questions.dropped == 2
    assert "no space left on device" in caplog.text
    assert "2 questions or votes were not tracked" in caplog.text


def test_a_pause_after_a_failure_does_not_hold_up_the_end() -> None:
    questions = tracking(FailingTracker(times=1000), pause_s=3600)
    for n in range(10):
        questions.served(served(f"request-{n}"))
    began = time.perf_counter()
    questions.close()
    assert time.perf_counter() - began < 10
    assert questions.dropped == 10


def test_what_comes_after_the_end_is_dropped_and_counted() -> None:
    questions = tracking(InMemoryTracker())
    questions.close()
    questions.close()
    questions.served(served())
    questions.rated(rated())
    assert questions.dropped == 2


def test_a_window_ends_though_nobody_asks() -> None:
    tracker, clock = InMemoryTracker(), Clock()
    config = TrackingConfig(window_s=0.05)
    with QuestionTracker(tracker, lambda: RELEASE, config, clock, Redaction()) as questions:
        questions.served(served())
        deadline = time.monotonic() + 10
        while not (tracker.tasks and asked(tracker.tasks[0])):
            assert time.monotonic() < deadline
            clock.move(0.05)
            time.sleep(0.01)
