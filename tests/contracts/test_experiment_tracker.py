"""The contract of ExperimentTracker, over the stand-in and ClearML's offline sessions."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    bars: list[tuple[str, str, int, list[str], list[float]]]
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
        [
            (t, name, n, labels, values)
            for t, n, labels, series in task.recorded_bars
            for name, values in series.items()
        ],
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
            (title, iteration, data["header"]["values"])
            for title, _, iteration, data in plots(events)
            if data["type"] == "table"
        ],
        [
            (title, data["name"], iteration, data["x"], data["y"])
            for title, _, iteration, data in plots(events)
            if data["type"] == "bar"
        ],
        {
            key: json.dumps(json.loads(data)).encode() if data.startswith(b"{") else data
            for key, data in artifacts.items()
        },
        str(task.get("comment") or "").startswith("failed"),
    )


def plots(events: list[dict[str, Any]]) -> list[tuple[str, str, int, dict[str, Any]]]:
    return [
        (event["metric"], event["variant"], event["iter"], data)
        for event in events
        if event["type"] == "plot"
        for data in json.loads(event["plot_str"])["data"]
    ]


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
        task.bars("outcomes", ["a", "b"], {"now": [1.0, 2.0], "before": [3.0, 0.5]}, 2, unit="runs")
        task.artifact("report", {"steps": 12})
        task.artifact("curve", image)
        image.unlink()  # what was recorded no longer needs the file
        assert task.location
        assert task.last_iteration == 12
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
    assert sorted(run.bars) == [
        ("outcomes", "before", 2, ["a", "b"], [3.0, 0.5]),
        ("outcomes", "now", 2, ["a", "b"], [1.0, 2.0]),
    ]
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


def test_a_task_that_continues_counts_on(case: Case) -> None:
    tracker, recorded = case
    for name, first in (("served", 0), ("other", 0), ("served", 3)):
        with tracker.task(name, "inference", continues=True) as task:
            assert task.last_iteration == first
            for iteration in range(first + 1, first + 4):
                task.scalars("a", {"b": 0.5}, iteration)
            assert task.last_iteration == first + 3
    points = sorted(n for run in recorded() if run.name == "served" for _, _, n, _ in run.scalars)
    assert points == [1, 2, 3, 4, 5, 6]
    with tracker.task("served", "inference") as task:
        assert task.last_iteration == 0, "one that does not continue is another"
