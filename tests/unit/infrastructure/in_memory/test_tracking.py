"""The stand-ins for the tracker and for progress: they keep what they were told."""

from pathlib import Path

import pytest

from llm_engineering.domain.errors import InvalidInput
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.infrastructure.in_memory.tracking import TASK_KINDS, InMemoryTracker
from llm_engineering.infrastructure.tracking.clearml_tracker import KINDS


def test_what_a_task_was_told_is_a_copy() -> None:
    tracker = InMemoryTracker()
    values, rows = {"loss": 1.0}, [{"n": 1}]
    with tracker.task("run", "training") as task:
        task.scalars("train", values, 1)
        task.table("samples", rows, 1)
    values["loss"] = 9.0
    rows[0]["n"] = 9
    assert tracker.tasks[0].recorded_scalars == [("train", 1, {"loss": 1.0})]
    assert tracker.tasks[0].recorded_tables == [("samples", 1, [{"n": 1}])]


def test_a_file_is_kept_as_it_was_when_it_was_recorded(tmp_path: Path) -> None:
    file = tmp_path / "curve.png"
    file.write_bytes(b"first")
    tracker = InMemoryTracker()
    with tracker.task("run", "training") as task:
        task.artifact("curve", file)
        file.write_bytes(b"second")
    assert tracker.tasks[0].recorded_artifacts == {"curve": b"first"}


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()], ids=repr)
def test_a_task_that_is_left_by_an_error_has_failed(error: BaseException) -> None:
    tracker = InMemoryTracker()
    with pytest.raises(type(error)), tracker.task("run", "training") as task:
        assert task.outcome == "running"
        raise error
    assert tracker.tasks[0].outcome == "failed"


def test_stand_in_and_adapter_know_the_same_kinds() -> None:
    assert TASK_KINDS == KINDS
    with pytest.raises(InvalidInput, match=r"'guess'.*training, testing"):
        InMemoryTracker().task("run", "guess").__enter__()


def test_stages_are_counted_apart_and_a_second_visit_adds_up() -> None:
    progress = SilentProgress()
    for name, amounts in (("embed", [2, 3]), ("write", [1]), ("embed", [4]), ("idle", [])):
        with progress.stage(name, total=10) as advance:
            for amount in amounts:
                advance(amount)
    assert progress.done == {"embed": 9, "write": 1, "idle": 0}
