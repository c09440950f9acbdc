from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from llm_engineering.infrastructure.encoders.failure_memory import FailureMemory

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(folder: Path, minutes: int) -> FailureMemory:
    return FailureMemory(folder, lambda: NOON + timedelta(minutes=minutes))


def test_a_failure_is_remembered_for_an_hour_by_any_process(tmp_path: Path) -> None:
    folder = tmp_path / "unreachable"
    at(folder, 0).remember("owner/name", "the hub does not answer")
    assert at(folder, 59).reason("owner/name") == "the hub does not answer"
    assert at(folder, 60).reason("owner/name") is None
    assert at(folder, -1).reason("owner/name") is None  # a clock that was set back
    assert at(folder, 1).reason("owner/other") is None


@pytest.mark.parametrize("note", ["", "no JSON", "[]", "{}", '{"at": 3, "reason": "x"}'])
def test_a_damaged_note_is_no_failure(tmp_path: Path, note: str) -> None:
    at(tmp_path, 0).remember("owner/name", "down")
    (path,) = tmp_path.iterdir()
    path.write_text(note)
    assert at(tmp_path, 1).reason("owner/name") is None


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    at(tmp_path / "file", 0).remember("owner/name", "down")
    assert at(tmp_path / "file", 0).reason("owner/name") is None
