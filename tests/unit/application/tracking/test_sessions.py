from collections.abc import Mapping

import pytest

from llm_engineering.application.tracking.config import TrackingConfig
from llm_engineering.application.tracking.drops import Drops
from llm_engineering.application.tracking.sessions import Sessions
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.redaction import Redaction
from llm_engineering.domain.releases import Release
from llm_engineering.infrastructure.in_memory.tracking import InMemoryTask, InMemoryTracker
from tests.unit.application.tracking.serving import RELEASE, Clock, rated, served

OPEN = InMemoryTask("questions", "inference").outcome
OTHER = RELEASE.model_copy(update={"index": "chunks-c-d"})


class Desk:
    """Sessions with all that they work with at hand."""

    def __init__(self, tracker: InMemoryTracker | None = None, **config: float) -> None:
        self.tracker = tracker or InMemoryTracker()
        self.clock = Clock()
        self.drops = Drops()
        self.now_answers: Release | None = RELEASE
        self.sessions = Sessions(
            self.tracker,
            self.release,
            TrackingConfig.model_validate(config),
            self.clock,
            Redaction(),
            self.drops,
        )

    def release(self) -> Release:
        if self.now_answers is None:
            raise StoreUnavailable("the index is down")
        return self.now_answers

    def ask(self, count: int, first: int = 1) -> None:
        for n in range(first, first + count):
            self.sessions.take(served(f"request-{n}"))


def iterations(task: InMemoryTask, title: str) -> list[int]:
    return [n for told, n, _ in task.recorded_scalars if told == title]


def questions(task: InMemoryTask) -> list[object]:
    tables = [rows for title, _, rows in task.recorded_tables if title == "questions"]
    return [row["iteration"] for rows in tables for row in rows]


def counts(task: InMemoryTask) -> list[Mapping[str, float]]:
    return [values for title, _, values in task.recorded_scalars if title == "window: counts"]


def test_each_question_is_the_next_iteration_of_the_release_s_task() -> None:
    desk = Desk()
    desk.ask(3)
    desk.sessions.close()
    (task,) = desk.tracker.tasks
    assert (task.name, task.kind) == (f"questions to release {RELEASE.id}", "inference")
    assert task.outcome == "done"
    assert task.recorded_parameters["release"] == RELEASE.id
    assert task.recorded_parameters["chat_models"] == ["local:small"]
    assert questions(task) == [1, 2, 3]
    assert iterations(task, "window: counts") == [3]


def test_a_window_ends_after_its_questions_or_its_time() -> None:
    desk = Desk(window_questions=2, window_s=60)
    desk.ask(3)
    (task,) = desk.tracker.tasks
    assert iterations(task, "window: counts") == [2]
    assert desk.sessions.left_s() == 60
    desk.clock.move(45)
    desk.sessions.tick()
    assert iterations(task, "window: counts") == [2]
    assert desk.sessions.left_s() == 15
    desk.clock.move(20)
    assert desk.sessions.left_s() == 0
    desk.sessions.tick()
    assert iterations(task, "window: counts") == [2, 3]
    desk.clock.move(70)
    desk.sessions.tick()
    assert iterations(task, "window: counts") == [2, 3], "nothing was asked"


@pytest.mark.parametrize(("limit", "value"), [("session_questions", 2), ("session_s", 100)])
def test_a_task_goes_on_in_the_next_session(limit: str, value: float) -> None:
    desk = Desk(None, **{limit: value})
    desk.ask(2)
    desk.clock.move(101)
    desk.sessions.tick()
    assert [task.outcome for task in desk.tracker.tasks] == ["done"]
    desk.ask(2, first=3)
    desk.sessions.close()
    (task,) = desk.tracker.tasks
    assert questions(task) == [1, 2, 3, 4]


def test_a_task_goes_on_in_the_next_process() -> None:
    first = Desk()
    first.ask(2)
    first.sessions.close()
    second = Desk(first.tracker)
    second.ask(1)
    second.sessions.close()
    (task,) = second.tracker.tasks
    assert questions(task) == [1, 2, 3]


def test_another_release_is_another_task_and_each_goes_on() -> None:
    desk = Desk()
    desk.ask(2)
    desk.now_answers = OTHER
    desk.ask(1)
    desk.now_answers = RELEASE
    desk.ask(1)
    desk.sessions.close()
    one, other = desk.tracker.tasks
    assert (questions(one), questions(other)) == ([1, 2, 3], [1])


def test_questions_that_fail_because_the_index_is_down_belong_to_the_release_before() -> None:
    desk = Desk()
    desk.ask(1)
    desk.now_answers = None
    desk.ask(1)
    desk.sessions.close()
    assert questions(desk.tracker.tasks[0]) == [1, 2]
    with pytest.raises(StoreUnavailable):
        desk.ask(1)
    assert desk.drops.total == 1


def test_feedback_is_put_beside_its_question_in_later_sessions_too() -> None:
    desk = Desk(session_questions=2)
    desk.ask(2)
    desk.sessions.take(rated("request-2"))
    desk.sessions.take(rated("never-asked"))
    desk.sessions.close()
    tables = [t for t in desk.tracker.tasks[0].recorded_tables if t[0] == "feedback"]
    ((_, _, rows),) = tables
    assert [(row["request"], row["iteration"]) for row in rows] == [
        ("request-2", 2),
        ("never-asked", None),
    ]


def test_what_others_dropped_is_told_once() -> None:
    desk = Desk(window_questions=1)
    desk.ask(1)
    desk.drops.add(4)
    desk.ask(2)
    dropped = [told["dropped"] for told in counts(desk.tracker.tasks[0])]
    assert dropped == [0, 4, 0]


def test_a_window_that_cannot_be_told_is_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    desk.ask(3)

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(InMemoryTask, "table", fail)
        with pytest.raises(OSError, match="no space"):
            desk.sessions.close()
    assert desk.tracker.tasks[0].outcome == "failed"
    assert desk.drops.unreported == 3
    desk.ask(1)
    desk.sessions.close()
    assert counts(desk.tracker.tasks[0])[-1] == {"questions": 1, "dropped": 3}
    assert desk.drops.unreported == 0


def test_what_is_abandoned_is_failed_and_counted() -> None:
    desk = Desk()
    desk.sessions.abandon()
    desk.ask(2)
    desk.sessions.abandon()
    assert desk.tracker.tasks[0].outcome == "failed"
    assert desk.drops.total == 2


def test_no_question_opens_no_task() -> None:
    desk = Desk()
    desk.sessions.tick()
    desk.sessions.close()
    assert desk.tracker.tasks == []
    assert desk.sessions.left_s() == TrackingConfig().window_s


def test_a_clock_that_goes_back_ends_nothing_early() -> None:
    desk = Desk(window_s=60, session_s=600)
    desk.ask(1)
    desk.clock.move(-3600)
    desk.sessions.tick()
    assert desk.sessions.left_s() == 3660
    assert [task.outcome for task in desk.tracker.tasks] == [OPEN]


def test_a_session_is_as_long_as_it_is_allowed_to_the_question() -> None:
    desk = Desk(session_questions=3)
    desk.ask(2)
    assert [task.outcome for task in desk.tracker.tasks] == [OPEN]
    desk.ask(1, first=3)
    assert [task.outcome for task in desk.tracker.tasks] == ["done"]


@pytest.mark.parametrize(("seconds", "windows"), [(59.9, 0), (60.0, 1), (60.1, 1)])
def test_a_window_is_as_long_as_it_is_allowed_to_the_second(seconds: float, windows: int) -> None:
    desk = Desk(window_s=60)
    desk.ask(1)
    desk.clock.move(seconds)
    desk.sessions.tick()
    assert len(iterations(desk.tracker.tasks[0], "window: counts")) == windows


def test_a_vote_alone_opens_a_task_and_is_told() -> None:
    desk = Desk()
    desk.sessions.take(rated("asked-in-another-process"))
    desk.sessions.close()
    (task,) = desk.tracker.tasks
    assert counts(task) == [{"questions": 0, "dropped": 0, "up": 1}]


def test_a_new_release_forgets_whose_iteration_was_whose() -> None:
    desk = Desk()
    desk.ask(1)
    desk.now_answers = OTHER
    desk.sessions.take(rated("request-1"))
    desk.sessions.close()
    tables = [rows for title, _, rows in desk.tracker.tasks[1].recorded_tables]
    assert [row["iteration"] for rows in tables for row in rows] == [None]


def test_of_very_many_questions_the_latest_can_be_given_feedback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("llm_engineering.application.tracking.sessions.REMEMBERED", 2)
    desk = Desk()
    desk.ask(3)
    for n in (1, 2, 3):
        desk.sessions.take(rated(f"request-{n}"))
    desk.sessions.close()
    tables = [
        rows for title, _, rows in desk.tracker.tasks[0].recorded_tables if title == "feedback"
    ]
    assert [row["iteration"] for row in tables[0]] == [None, 2, 3]
