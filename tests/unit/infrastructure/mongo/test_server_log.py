import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from llm_engineering.infrastructure.mongo.server_log import why_it_ended


def entry(severity: str, text: str, **attributes: object) -> str:
    return json.dumps({"s": severity, "msg": text, "attr": attributes})


def log(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "mongod.log"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_first_error_is_told_for_the_abort_after_it_says_nothing(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        entry("I", "Starting"),
        entry("E", "WiredTiger error message", error=28, message={"ts": 1, "msg": "no space left"}),
        entry("F", "Fatal assertion", msgid=50853),
        entry("F", "Writing fatal message", message="Got signal: 6 (Aborted).\n"),
        entry("I", "Now exiting"),
    )
    told = why_it_ended(tmp_path, path)
    assert told == f"WiredTiger error message: no space left (log: {path})"


def test_an_error_in_words_is_told(tmp_path: Path) -> None:
    path = log(tmp_path, entry("E", "DBException in initAndListen", error="DBPathInUse: busy"))
    assert why_it_ended(tmp_path, path).startswith("DBException in initAndListen: DBPathInUse: b")


def test_a_line_that_is_not_json_is_told_when_there_is_nothing_else(tmp_path: Path) -> None:
    line = "mongod: error while loading shared libraries: libcurl.so.4"
    assert line in why_it_ended(tmp_path, log(tmp_path, line))


def test_it_is_one_line_of_bearable_length(tmp_path: Path) -> None:
    path = log(tmp_path, entry("E", "long", error="a\nb " + "x" * 9000))
    told = why_it_ended(tmp_path, path)
    assert "\n" not in told
    assert len(told) < 400 + len(str(path))


@pytest.mark.parametrize("content", ["", "[1]\n", "null\n", '{"s": "E"}\n'])
def test_a_log_that_tells_nothing_is_no_obstacle(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mongod.log"
    path.write_text(content)
    assert str(path) in why_it_ended(tmp_path, path)


def test_a_missing_log_is_no_obstacle(tmp_path: Path) -> None:
    assert "it said nothing" in why_it_ended(tmp_path, tmp_path / "mongod.log")


def test_a_full_disk_is_named_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * 2**20))
    path = log(tmp_path, entry("E", "something odd"))
    assert why_it_ended(tmp_path, path) == f"the disk of {tmp_path} is full (3 MiB free)"
