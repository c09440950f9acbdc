"""A task and the process that hands its records over; a script takes ClearML's place."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llm_engineering.domain.redaction import Redaction
from llm_engineering.infrastructure.tracking import clearml_task
from llm_engineering.infrastructure.tracking.clearml_task import ClearMLTask, environment
from llm_engineering.infrastructure.tracking.series import Series

SERVER: dict[str, str | None] = {"api_host": "http://clearml.test", "key": "made-up"}
ORDER = {"project": "p", "name": "a run", "kind": "training"}

# reads its order, answers, waits for `close` or for its writer's end, and leaves what it was told
PLAIN = """
order = json.loads(sys.stdin.readline())
online = order["server"] is not None
{begin}
page = "http://clearml.test/t1" if online else None
os.write(1, json.dumps({{"page": page, "task": "t1"}}).encode() + b"\\n")
while '"close"' not in open(order["spool"]).read(): time.sleep(0.01)
{end}
if not online: shutil.copyfile(order["spool"], order["zip"])
json.dump(order, open(sys.argv[0] + ".order", "w"))
"""

Begin = Callable[..., ClearMLTask]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Begins a task; `first` and `last` are what the process does when it starts and ends."""

    def task(
        server: dict[str, str | None] | None = None,
        *,
        first: str = "",
        last: str = "",
        patience_s: float = 20.0,
        series: Series | None = None,
    ) -> ClearMLTask:
        program, work = tmp_path / "python", tmp_path / "sessions" / "run-1"
        lines = PLAIN.format(begin=first, end=last)
        program.write_text(
            f"#!{os.path.realpath(sys.executable)} -IS\nimport json, os, shutil, sys, time\n{lines}"
        )
        program.chmod(0o755)
        work.mkdir(parents=True)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", str(program))
            made = ClearMLTask(
                ORDER, work, server, patience_s, Redaction(["canary-5"], long=False), series
            )
        monkeypatch.setattr(sys, "executable", str(program))  # for the one that starts at the end
        return made

    return task


def told(folder: Path) -> list[dict[str, Any]]:
    """Returns the records of the only session below a folder."""
    (session,) = (folder / "sessions").glob("*.zip")
    return [json.loads(line) for line in session.read_text().splitlines()]


def order_of(folder: Path) -> dict[str, Any]:
    order: dict[str, Any] = json.loads((folder / "python.order").read_text())
    return order


def test_records_are_kept_in_their_order_and_the_session_is_all_that_is_left(
    begin: Begin, tmp_path: Path
) -> None:
    task = begin()
    task.parameters({"seed": 1, "folder": Path("/srv")})
    task.scalars("loss", {"train": 0.5, "test": 0.75}, 3)
    task.table("worst", [{"n": 1, "text": "a"}, {"text": "b", "n": 2}], 4)
    task.close()
    assert told(tmp_path) == [
        {"do": "parameters", "values": {"seed": 1, "folder": "/srv"}},
        {"do": "scalars", "title": "loss", "values": {"train": 0.5, "test": 0.75}, "iteration": 3},
        {
            **{"do": "table", "title": "worst", "columns": ["n", "text"]},
            **{"rows": [[1, "a"], [2, "b"]], "iteration": 4},
        },
        {"do": "close", "failure": None},
    ]
    assert [entry.name for entry in (tmp_path / "sessions").iterdir()] == ["run-1.zip"]
    assert task.location == str(tmp_path / "sessions" / "run-1.zip")
    assert order_of(tmp_path)["name"] == "a run"


def test_a_table_without_rows_is_nothing(begin: Begin, tmp_path: Path) -> None:
    task = begin()
    task.table("worst", [], 9)
    assert task.last_iteration == 0
    task.close()
    assert [record["do"] for record in told(tmp_path)] == ["close"]


def test_bars_say_their_unit_and_scale(begin: Begin, tmp_path: Path) -> None:
    task = begin()
    task.bars("quality", ["a", "b"], {"full": [0.5, 0.75], "bm25": (0.25, 0.5)}, 2, unit="nDCG")
    task.bars("cost", ["a"], {"full": [3.0]}, 2, unit="ms", log=True)
    task.close()
    first, second, _ = told(tmp_path)
    assert [bar["name"] for bar in first["figure"]["data"]] == ["full", "bm25"]
    assert first["figure"]["data"][1] == {
        **{"type": "bar", "name": "bm25"},
        **{"x": ["a", "b"], "y": [0.25, 0.5]},
    }
    axes = [plot["figure"]["layout"]["yaxis"] for plot in (first, second)]
    assert axes == [
        {"title": {"text": "nDCG"}, "type": "linear"},
        {"title": {"text": "ms"}, "type": "log"},
    ]


def test_a_file_is_recorded_as_it_was_when_it_was_given(begin: Begin, tmp_path: Path) -> None:
    report = tmp_path / "Bericht für Ada.html"
    report.write_text("then")
    task = begin(last="shutil.copytree(os.environ['TMPDIR'], sys.argv[0] + '.kept')")
    task.artifact("report", report)
    task.artifact("figures", {"loss": 0.5})
    report.write_text("now")
    task.close()
    file, data, _ = told(tmp_path)
    assert Path(file["file"]).name == report.name
    (kept,) = (tmp_path / "python.kept").rglob(report.name)
    assert kept.read_text() == "then"
    assert data["content"] == {"loss": 0.5}


def test_a_missing_file_is_the_caller_s_error_and_the_task_goes_on(
    begin: Begin, tmp_path: Path
) -> None:
    task = begin()
    with pytest.raises(FileNotFoundError):
        task.artifact("report", tmp_path / "none.html")
    task.close()
    assert [record["do"] for record in told(tmp_path)] == ["close"]


def test_every_text_of_every_record_is_redacted(begin: Begin, tmp_path: Path) -> None:
    task = begin()
    task.parameters({"key": "canary-5", "nested": {"deep": ["x canary-5 y"]}})
    task.table("t", [{"q": "canary-5"}], 1)
    task.artifact("r", {"said": "canary-5"})
    task.close(failure="HTTPError: canary-5 was refused")
    (session,) = (tmp_path / "sessions").glob("*.zip")
    assert "canary" not in session.read_text()
    assert told(tmp_path)[-1]["failure"] == "HTTPError: [redacted] was refused"


def test_text_of_any_script_is_recorded(begin: Begin, tmp_path: Path) -> None:
    task = begin()
    said = "Höhe 高さ 🌊 \u2028 \ud800"
    task.parameters({"question": said})
    task.close()
    assert told(tmp_path)[0]["values"] == {"question": said}


@pytest.mark.parametrize("steps", [[1, 2, 3], [3, 1, 2], [3, 3]])
def test_the_highest_iteration_is_remembered(begin: Begin, steps: list[int]) -> None:
    task = begin()
    for step in steps:
        task.scalars("t", {"a": 1.0}, step)
    assert task.last_iteration == 3
    task.close()


def test_a_task_that_goes_on_counts_from_where_it_was(begin: Begin, tmp_path: Path) -> None:
    series = Series(tmp_path, "a run")
    series.last_iteration, series.task_id = 41, "t0"
    task = begin(SERVER, series=series)
    assert task.last_iteration == 41
    task.scalars("t", {"a": 1.0}, 40)
    assert series.last_iteration == 41, "it never counts back"
    task.scalars("t", {"a": 1.0}, 42)
    assert task.location == "http://clearml.test/t1"
    task.close()
    assert order_of(tmp_path)["continues"] == "t0"
    assert (series.last_iteration, series.task_id) == (42, "t1")


def test_offline_a_task_of_the_server_is_not_asked_to_go_on(begin: Begin, tmp_path: Path) -> None:
    series = Series(tmp_path, "a run")
    series.last_iteration, series.task_id = 41, "t0"
    begin(series=series).close()
    assert order_of(tmp_path)["continues"] is None
    assert series.task_id == "t0", "and it still is that task there"


def test_what_the_server_took_leaves_no_session(begin: Begin, tmp_path: Path) -> None:
    task = begin(SERVER)
    task.close()
    assert list((tmp_path / "sessions").iterdir()) == []
    assert task.location == "http://clearml.test/t1"


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("if online: sys.exit(1)", ""),
        ("if online: os.kill(os.getpid(), 9)", ""),
        ("if online: os.close(1); time.sleep(60)", ""),
        ("", "if online: sys.exit(3)"),
        ("", "if online: time.sleep(60)"),
    ],
    ids=["ends at once", "is killed", "closes its answer", "ends badly", "never ends"],
)
def test_whatever_the_server_does_nothing_is_lost(
    begin: Begin, tmp_path: Path, first: str, last: str, caplog: pytest.LogCaptureFixture
) -> None:
    task = begin(SERVER, first=first, last=last, patience_s=0.7)
    task.scalars("loss", {"train": 0.5}, 7)
    started = time.monotonic()
    task.close()
    assert time.monotonic() - started < 20
    assert [record["do"] for record in told(tmp_path)] == ["scalars", "close"]
    assert "ClearML's server did not take 'a run'; recorded offline" in caplog.text
    assert task.location.endswith("run-1.zip")
    assert order_of(tmp_path)["server"] is None


def test_what_cannot_be_recorded_at_all_stays_where_it_is(
    begin: Begin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    task = begin(first="sys.exit('no space left')")
    task.scalars("loss", {"train": 0.5}, 7)
    task.close()
    assert "ClearML made no session of" in caplog.text
    work = tmp_path / "sessions" / "run-1"
    assert '"train": 0.5' in (work / "records.jsonl").read_text()
    assert "no space left" in (work / "clearml.log").read_text()


def test_a_session_that_takes_for_ever_is_given_up(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearml_task, "OFFLINE_S", 0.3)
    task = begin(last="time.sleep(60)")
    task.close()
    assert task._process.poll() is not None, "the process is gone"
    assert (tmp_path / "sessions" / "run-1" / "records.jsonl").is_file()


def test_the_process_sees_no_setting_of_clearml_but_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARML_API_SECRET_KEY", "made-up")
    monkeypatch.setenv("TRAINS_API_HOST", "http://elsewhere")
    monkeypatch.setenv("LANG", "C.UTF-8")
    seen = environment(tmp_path)
    ours = {name for name in seen if name.startswith(("CLEARML_", "TRAINS_"))}
    assert ours == {"CLEARML_CACHE_DIR", "CLEARML_CONFIG_FILE", "CLEARML_SUPPRESS_UPDATE_MESSAGE"}
    assert seen["TMPDIR"] == str(tmp_path)
    assert seen["LANG"] == "C.UTF-8"
    assert Path(seen["CLEARML_CONFIG_FILE"]).read_text() == ""


@pytest.mark.parametrize("kind", ["scalars", "table", "bars"])
def test_whatever_has_an_iteration_counts(begin: Begin, kind: str) -> None:
    task = begin()
    if kind == "scalars":
        task.scalars("t", {"a": 1.0}, 7)
    elif kind == "table":
        task.table("t", [{"a": 1}], 7)
    else:
        task.bars("t", ["a"], {"s": [1.0]}, 7, unit="ms")
    assert task.last_iteration == 7
    task.close()
