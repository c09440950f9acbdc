"""Offline sessions on disk: how many are kept, in what order they wait, which are damaged."""

import json
import os
import zipfile
from pathlib import Path

import pytest
from pydantic import SecretStr

from llm_engineering.domain.errors import ConfigurationError, IntegrityError
from llm_engineering.infrastructure.tracking import clearml_tracker
from llm_engineering.infrastructure.tracking.clearml_tracker import ClearMLTracker


def tracker(folder: Path, max_bytes: int | None = None) -> ClearMLTracker:
    return ClearMLTracker(
        folder=folder,
        api_host=None,
        web_host=None,
        files_host=None,
        access_key=SecretStr("made-up"),
        secret_key=None,
        max_bytes=max_bytes,
    )


def session(folder: Path, name: str, *, age_s: int, size: int = 100) -> Path:
    """Writes a session that was made so many seconds after 1970, minus its age."""
    file = folder / name
    if name.endswith("/"):
        file.mkdir()
        (file / "records.jsonl").write_bytes(bytes(size))
    else:
        file.write_bytes(bytes(size))
    os.utime(file, (1_000_000 - age_s, 1_000_000 - age_s))
    return file


def left(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize(
    ("max_bytes", "kept"),
    [
        (None, ["a.zip", "b.zip", "c.zip"]),
        (300, ["a.zip", "b.zip", "c.zip"]),
        (299, ["b.zip", "c.zip"]),
        (100, ["c.zip"]),
        (0, []),
    ],
)
def test_the_oldest_sessions_go_first(
    tmp_path: Path, max_bytes: int | None, kept: list[str]
) -> None:
    for age, name in ((30, "a.zip"), (20, "b.zip"), (10, "c.zip")):
        session(tmp_path, name, age_s=age)
    tracker(tmp_path, max_bytes)._prune()
    assert left(tmp_path) == kept


def test_what_a_killed_run_left_counts_and_goes_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session(tmp_path, "killed-1/", age_s=20)
    session(tmp_path, "b.zip", age_s=10)
    tracker(tmp_path, 150)._prune()
    assert left(tmp_path) == ["b.zip"]
    assert "killed-1 is deleted" in caplog.text


def test_the_counters_of_tasks_that_go_on_are_never_deleted(tmp_path: Path) -> None:
    session(tmp_path, "series/", age_s=99)
    tracker(tmp_path, 0)._prune()
    assert left(tmp_path) == ["series"]


def test_another_worker_may_delete_the_same_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(tmp_path, "old.zip", age_s=30)
    session(tmp_path, "older/", age_s=40)
    session(tmp_path, "oldest.zip", age_s=50)
    measure = clearml_tracker._bytes_of

    def while_another_deletes(entry: Path) -> int:
        size = measure(entry)
        if entry.name == "old.zip":
            entry.unlink()
        return size

    monkeypatch.setattr(clearml_tracker, "_bytes_of", while_another_deletes)
    tracker(tmp_path, 10)._prune()
    assert left(tmp_path) == []


def test_a_link_that_leads_nowhere_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "gone.zip").symlink_to(tmp_path / "nowhere")
    session(tmp_path, "a.zip", age_s=30)
    tracker(tmp_path, 0)._prune()
    assert "a.zip" not in left(tmp_path)


def test_sessions_wait_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("run-000000020.zip", "run-000000003.zip", "another.zip"):
        session(tmp_path, name, age_s=1)
    session(tmp_path, "run-open/", age_s=1)
    session(tmp_path, "notes.txt", age_s=1)
    assert tracker(tmp_path).waiting() == [
        "another.zip",
        "run-000000003.zip",
        "run-000000020.zip",
    ]


def test_without_a_folder_nothing_waits(tmp_path: Path) -> None:
    assert tracker(tmp_path / "none").waiting() == []


def test_without_a_server_the_missing_setting_is_named_and_the_session_stays(
    tmp_path: Path,
) -> None:
    session(tmp_path, "a.zip", age_s=1)
    with pytest.raises(ConfigurationError, match="CLEARML_API_HOST is not set"):
        tracker(tmp_path).upload("a.zip")
    assert left(tmp_path) == ["a.zip"]


class Answering(ClearMLTracker):
    """Its server answers the probe."""

    def _server(self) -> dict[str, str | None]:
        return {"api_host": self._api_host}


@pytest.mark.parametrize("damage", ["not a zip", "cut off", "no task", "no name", "no JSON"])
def test_a_damaged_session_is_named_and_stays(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "a.zip"
    tasks = {"no name": json.dumps({"id": "x"}), "no JSON": "{"}
    with zipfile.ZipFile(file, "w") as content:
        entry = "other.json" if damage == "no task" else "task.json"
        content.writestr(entry, tasks.get(damage, json.dumps({"name": "run"})))
    if damage == "not a zip":
        file.write_bytes(b"PK, but no zip")
    elif damage == "cut off":
        file.write_bytes(file.read_bytes()[:-30])
    uploading = Answering(
        folder=tmp_path,
        api_host="http://clearml.test",
        web_host=None,
        files_host=None,
        access_key=None,
        secret_key=None,
    )
    with pytest.raises(IntegrityError, match=r"a\.zip: not a session"):
        uploading.upload("a.zip")
    assert left(tmp_path) == ["a.zip"]


def test_no_secret_is_printed(tmp_path: Path) -> None:
    assert "made-up" not in repr(vars(tracker(tmp_path)))
