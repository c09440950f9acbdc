"""The contract of ExperimentTracker, over the stand-in and ClearML's offline sessions."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from llm_engineering.application.ports.tracking import ExperimentTracker
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.infrastructure.in_memory.tracking import InMemoryTask, InMemoryTracker
from llm_engineering.infrastructure.tracking.clearml_tracker import ClearMLTracker


@dataclass
class Recorded:
    """What a closed task holds, in words that both adapters can be asked in."""

    name: str
    parameters: dict[str, str]
    scalars: list[tuple[str, str, int, float]]
    tables: list[tuple[str, int, list[str]]]
    artifacts: dict[str, bytes]
    failure: bool


def from_memory(tracker: InMemoryTracker) -> list[Recorded]:
    return [_memory_record(task) for task in tracker.tasks]


def _memory_record(task: InMemoryTask) -> Recorded:
    return Recorded(
        task.name,
        {key: str(value) for key, value in task.recorded_parameters.items()},
        [(t, key, n, v) for t, n, values in task.recorded_scalars for key, v in values.items()],
        [(t, n, list(rows[0])) for t, n, rows in task.recorded_tables],
        {
            name: content if isinstance(content, bytes) else json.dumps(content).encode()
            for name, content in task.recorded_artifacts.items()
        },
        task.outcome == "failed",
    )


def from_zip(file: Path) -> Recorded:
    with zipfile.ZipFile(file) as session:
        names = session.namelist()
        task = json.loads(session.read("task.json"))
        metrics = session.read("metrics.jsonl").decode() if "metrics.jsonl" in names else ""
        events = [event for line in metrics.splitlines() for event in json.loads(line)]
        artifacts = {
            entry["key"]: session.read(next(n for n in names if f"/artifacts/{entry['key']}/" in n))
            for entry in (task.get("execution") or {}).get("artifacts", [])
        }
    return Recorded(
        task["name"],
        {k: p["value"] for k, p in (task.get("hyperparams") or {}).get("General", {}).items()},
        [
            (e["metric"], e["variant"], e["iter"], e["value"])
            for e in events
            if e["type"] == "training_stats_scalar"
        ],
        [
            (e["metric"], e["iter"], json.loads(e["plot_str"])["data"][0]["header"]["values"])
            for e in events
            if e["type"] == "plot"
        ],
        {
            key: json.dumps(json.loads(data)).encode() if data.startswith(b"{") else data
            for key, data in artifacts.items()
        },
        str(task.get("comment") or "").startswith("failed"),
    )


Case = tuple[ExperimentTracker, Callable[[], list[Recorded]]]


@pytest.fixture(params=["in_memory", "clearml"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    if request.param == "in_memory":
        memory = InMemoryTracker()
        return memory, lambda: from_memory(memory)
    folder = tmp_path / "clearml"
    clearml = ClearMLTracker(
        folder=folder,
        api_host=None,
        web_host=None,
        files_host=None,
        access_key=None,
        secret_key=None,
    )
    return clearml, lambda: [
        from_zip(file) for file in sorted(folder.glob("*.zip"), key=lambda f: f.stat().st_mtime)
    ]


def test_everything_that_was_told_is_there_at_its_true_iteration(
    case: Case, tmp_path: Path
) -> None:
    tracker, recorded = case
    image = tmp_path / "curve.txt"
    image.write_bytes(b"drawn")
    with tracker.task("fine-tune", "training") as task:
        task.parameters({"seed": 17, "base_model": "smollm2"})
        for iteration in (1, 5, 12):
            task.scalars("training", {"loss": 1 / iteration, "rate": 0.5}, iteration)
        task.table("found", [{"chunk": "a", "score": 0.5}, {"chunk": "b", "score": None}], 3)
        task.table("found", [], 4)
        task.artifact("report", {"steps": 12})
        task.artifact("curve", image)
        image.unlink()  # what was recorded no longer needs the file
        assert task.location
    (run,) = recorded()
    assert run.name == "fine-tune"
    assert run.parameters == {"seed": "17", "base_model": "smollm2"}
    assert sorted(run.scalars) == sorted(
        (
            ("training", series, n, value)
            for n in (1, 5, 12)
            for series, value in (("loss", 1 / n), ("rate", 0.5))
        )
    )
    assert run.tables[0] == ("found", 3, ["chunk", "score"])
    assert run.artifacts == {"report": b'{"steps": 12}', "curve": b"drawn"}
    assert not run.failure


def test_a_failing_block_fails_its_task_and_the_next_task_is_another(case: Case) -> None:
    tracker, recorded = case

    def fail() -> None:
        with tracker.task("first", "testing") as task:
            task.scalars("a", {"b": 1.0}, 1)
            raise KeyError("oops")

    with pytest.raises(KeyError):
        fail()
    with tracker.task("second", "inference") as task:
        task.scalars("a", {"b": 2.0}, 2)
    first, second = recorded()
    assert (first.name, first.failure) == ("first", True)
    assert (second.name, second.failure) == ("second", False)
    assert first.scalars == [("a", "b", 1, 1.0)]
    assert second.scalars == [("a", "b", 2, 2.0)]


def test_an_unknown_kind_is_refused(case: Case) -> None:
    tracker, _ = case
    with pytest.raises(InvalidInput, match="'cooking' \\(allowed: training"):
        tracker.task("x", "cooking").__enter__()
