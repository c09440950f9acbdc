"""The two scripts that speak to ClearML, from their order to their answer."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from llm_engineering.infrastructure.tracking import clearml_process, clearml_upload
from llm_engineering.infrastructure.tracking.clearml_process import FRAMEWORKS, main, open_task
from llm_engineering.infrastructure.tracking.clearml_upload import upload
from tests.unit.infrastructure.tracking.scripted_clearml import ClearML, install

SERVER = {"api_host": "http://clearml.test", "web_host": None, "key": "made-up", "secret": None}


@pytest.fixture
def clearml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClearML:
    return install(tmp_path / "offline" / "session", monkeypatch)


def order(tmp_path: Path, **more: Any) -> dict[str, Any]:
    """Returns an order whose records are there already."""
    (tmp_path / "offline").mkdir(exist_ok=True)
    return {
        **{"project": "p", "name": "a run", "kind": "training", "server": None, "continues": None},
        **{"spool": str(tmp_path / "records.jsonl"), "zip": str(tmp_path / "run.zip")},
        **more,
    }


def records(tmp_path: Path, *told: dict[str, Any]) -> None:
    lines = "".join(json.dumps(record) + "\n" for record in told)
    (tmp_path / "records.jsonl").write_text(lines)


CLOSE = {"do": "close", "failure": None}


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the script's one answer goes to."""
    file = tmp_path / "answer"
    monkeypatch.setattr(clearml_process, "ANSWER_FD", os.open(file, os.O_CREAT | os.O_WRONLY))
    return file


def test_offline_a_task_is_opened_without_a_server(clearml: ClearML, tmp_path: Path) -> None:
    open_task(order(tmp_path))
    assert clearml.named("offline") == [True]
    assert clearml.named("credentials") == []


def test_with_a_server_its_own_credentials_are_used(clearml: ClearML, tmp_path: Path) -> None:
    open_task(order(tmp_path, server=SERVER))
    assert clearml.named("offline") == []
    assert clearml.named("credentials") == [SERVER]


@pytest.mark.parametrize(
    ("former", "reused", "continued"), [(None, False, False), ("t0", "t0", 0), ("", False, False)]
)
def test_a_task_goes_on_where_it_is_told_to(
    clearml: ClearML, tmp_path: Path, former: str | None, reused: object, continued: object
) -> None:
    open_task(order(tmp_path, server=SERVER, continues=former))
    (options,) = clearml.named("init")
    assert options["reuse_last_task_id"] == reused
    assert repr(options["continue_last_task"]) == repr(continued), "0 is not False here"


def test_clearml_reads_and_patches_nothing_by_itself(clearml: ClearML, tmp_path: Path) -> None:
    open_task(order(tmp_path))
    (options,) = clearml.named("init")
    assert options["auto_connect_frameworks"] == dict.fromkeys(FRAMEWORKS, False)
    off = ("auto_connect_arg_parser", "auto_resource_monitoring", "auto_connect_streams")
    assert [options[name] for name in off] == [False] * 3
    named = [options[name] for name in ("project_name", "task_name", "task_type")]
    assert named == ["p", "a run", "training"]


def test_offline_the_session_is_put_where_it_was_asked_for(
    clearml: ClearML, tmp_path: Path, answers: Path
) -> None:
    records(tmp_path, {"do": "parameters", "values": {"seed": 1}}, CLOSE)
    main(order(tmp_path))
    assert (tmp_path / "run.zip").read_text() == "session"
    assert json.loads(answers.read_text()) == {"page": None, "task": "t1"}
    assert clearml.task.told == [("parameters", {"seed": 1}), ("close",)]


def test_a_server_is_asked_at_the_end_whether_it_is_still_there(
    clearml: ClearML, tmp_path: Path, answers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ClearML drops silently what a dead server does not take."""
    asked: list[tuple[str, float]] = []

    def probe(url: str, timeout: float) -> Any:
        asked.append((url, timeout))
        raise OSError("connection refused")

    monkeypatch.setattr(clearml_process, "urlopen", probe)
    records(tmp_path, CLOSE)
    with pytest.raises(OSError, match="connection refused"):
        main(order(tmp_path, server=SERVER))
    assert asked == [("http://clearml.test/debug.ping", 2)]
    assert json.loads(answers.read_text())["page"] == "https://clearml.test/t1"
    assert not (tmp_path / "run.zip").exists()


def test_a_failed_run_is_a_failed_task_with_its_reason(
    clearml: ClearML, tmp_path: Path, answers: Path
) -> None:
    records(tmp_path, {"do": "close", "failure": "KeyError: mine"})
    main(order(tmp_path))
    assert clearml.task.told == [
        ("comment", "failed: KeyError: mine"),
        ("failed", "KeyError: mine"),
        ("close",),
    ]


def test_a_record_that_is_refused_costs_no_other(
    clearml: ClearML, tmp_path: Path, answers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = {"do": "scalars", "title": "t", "values": {"a": 1.0}, "iteration": 1}
    records(tmp_path, odd, {"do": "parameters", "values": {"seed": 1}}, CLOSE)
    main(order(tmp_path))
    assert ("parameters", {"seed": 1}) in clearml.task.told
    assert capsys.readouterr().err.startswith("scalars: ")


def test_nobody_has_to_hear_the_answer(
    clearml: ClearML, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(clearml_process, "ANSWER_FD", writing)
    records(tmp_path, CLOSE)
    main(order(tmp_path))
    os.close(writing)
    assert (tmp_path / "run.zip").exists()


# --- what was recorded offline, on its way to a server


def session(tmp_path: Path, *batches: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the order to upload a session with these batches of events."""
    file, folder = tmp_path / "run.zip", tmp_path / "unpacked"
    folder.mkdir()
    with zipfile.ZipFile(file, "w") as content:
        content.writestr("task.json", json.dumps({"id": "offline-1", "name": "a run"}))
        lines = "".join(json.dumps(batch) + "\n" for batch in batches)
        content.writestr("metrics.jsonl", lines)
    server = {"server": SERVER, "zip": str(file), "folder": str(folder)}
    return {**server, "series": False, "continues": None}


def event(number: int, task: str = "offline-1") -> dict[str, Any]:
    return {"task": task, "iter": number}


def test_a_session_of_its_own_is_imported_whole(clearml: ClearML, tmp_path: Path) -> None:
    done = upload(session(tmp_path, [event(1)]))
    assert done == {"task": "t1", "page": "https://clearml.test/t1"}
    assert clearml.named("import session") == [["metrics.jsonl", "task.json"]]
    assert clearml.named("credentials") == [SERVER]


@pytest.mark.parametrize(
    ("former", "call"), [(None, ("import", "offline-1")), ("t0", ("get", "t0"))]
)
def test_the_session_of_a_task_that_goes_on_joins_it(
    clearml: ClearML, tmp_path: Path, former: str | None, call: tuple[str, str]
) -> None:
    batches = [[event(1), event(9, "another")], [], [event(2)]]
    upload(session(tmp_path, *batches) | {"series": True, "continues": former})
    assert call in clearml.calls
    assert clearml.task.told == [
        ("started",),
        ("events", [event(1, "t1")]),
        ("events", [event(2, "t1")]),
        ("completed",),
    ]


def test_a_task_that_a_service_is_at_stays_running(clearml: ClearML, tmp_path: Path) -> None:
    clearml.task.status = "in_progress"
    upload(session(tmp_path, [event(1)]) | {"series": True, "continues": "t0"})
    assert clearml.task.told == [("events", [event(1, "t1")])]


def test_what_the_server_does_not_take_is_an_error(clearml: ClearML, tmp_path: Path) -> None:
    clearml.task.refuses = True
    with pytest.raises(OSError, match="did not take 2 records: no room"):
        upload(session(tmp_path, [event(1), event(2)]) | {"series": True})
    assert ("completed",) not in clearml.task.told


def test_both_scripts_need_nothing_of_ours() -> None:
    for script in (clearml_process, clearml_upload):
        assert "llm_engineering" not in Path(str(script.__file__)).read_text(encoding="utf-8")
