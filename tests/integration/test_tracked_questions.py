"""Served questions on their way through ClearML's own process: sessions, servers that hang."""

import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from llm_engineering.application.tracking.config import TrackingConfig
from llm_engineering.application.tracking.question_tracker import QuestionTracker
from llm_engineering.bootstrap.resources import now
from llm_engineering.domain.redaction import Redaction
from llm_engineering.infrastructure.tracking.clearml_tracker import ClearMLTracker
from tests.observers import hanging_clearml
from tests.unit.application.tracking.serving import RELEASE, rated, served

CANARIES = (
    "sk" + "-canary-0123456789abcdef",
    "canary.person@example.org",
    "ghp_canary0123456789abcdef",
    "a-canary-of-the-settings",
)


def tracker_of(folder: Path, api_host: str | None = None, **more: Any) -> ClearMLTracker:
    return ClearMLTracker(
        folder=folder,
        api_host=api_host,
        web_host=api_host,
        files_host=api_host,
        access_key=SecretStr("access"),
        secret_key=SecretStr("secret"),
        **more,
    )


def questions_of(tracker: ClearMLTracker, **config: float) -> QuestionTracker:
    redaction = Redaction(["a-canary-of-the-settings"])
    return QuestionTracker(
        tracker, lambda: RELEASE, TrackingConfig.model_validate(config), now, redaction
    )


def events_of(file: Path) -> list[dict[str, Any]]:
    with zipfile.ZipFile(file) as session:
        lines = session.read("metrics.jsonl").decode().splitlines()
    return [event for line in lines for event in json.loads(line)]


def iterations(file: Path) -> list[int]:
    return iterations_in(events_of(file))


def iterations_in(events: list[dict[str, Any]]) -> list[int]:
    """Returns the iterations of the questions, from the tables of the windows."""
    tables = [json.loads(e["plot_str"]) for e in events if e.get("metric") == "questions"]
    return [int(n) for table in tables for n in table["data"][0]["cells"]["values"][0]]


@pytest.fixture
def hanging_server() -> Iterator[str]:
    with hanging_clearml() as url:
        yield url


def test_sessions_count_on_and_the_window_s_tables_and_plots_are_in_them(tmp_path: Path) -> None:
    for _ in range(2):
        with questions_of(tracker_of(tmp_path), window_questions=3) as questions:
            for n in range(4):
                questions.served(served(f"request-{n}"))
            questions.rated(rated("request-3"))
    first, second = sorted(tmp_path.glob("*.zip"))
    assert iterations(first) == [1, 2, 3, 4]
    assert iterations(second) == [5, 6, 7, 8]
    windows = {
        (event["metric"], event["iter"])
        for event in events_of(second)
        if event["metric"].startswith("window")
    }
    assert {("window: rates", 7), ("window: rates", 8)} <= windows
    assert {event["metric"] for event in events_of(first) if event["type"] == "plot"} == {
        "questions",
        "chunks",
        "feedback",
        "questions by seconds taken",
        "questions by outcome",
        "milliseconds by stage",
    }


def test_a_server_that_hangs_holds_up_nobody_and_loses_nothing(
    tmp_path: Path, hanging_server: str
) -> None:
    questions = questions_of(tracker_of(tmp_path, hanging_server, patience_s=2))
    began = time.perf_counter()
    for n in range(200):
        questions.served(served(f"request-{n}"))
    assert time.perf_counter() - began < 1
    began = time.perf_counter()
    questions.close()
    assert time.perf_counter() - began < 60
    (session,) = tmp_path.glob("*.zip")
    assert iterations(session) == list(range(1, 201))
    assert questions.dropped == 0


def test_no_canary_reaches_the_spool_or_the_session(tmp_path: Path) -> None:
    tracker = tracker_of(tmp_path, redaction=Redaction(["a-canary-of-the-settings"], long=False))
    spooled = b""
    with questions_of(tracker) as questions:
        for n, canary in enumerate(CANARIES):
            questions.served(served(f"request-{n}", text=f"Why does {canary} not work?"))
            questions.served(served(f"{canary}-{n}", error=f"E: {canary}", answer=None))
            questions.rated(rated(f"request-{n}", better=f"Ask {canary} again."))
        deadline = time.monotonic() + 60
        while not list(tmp_path.rglob("records.jsonl")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        spooled = b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())
    (session,) = tmp_path.glob("*.zip")
    with zipfile.ZipFile(session) as archive:
        kept = b"".join(archive.read(name) for name in archive.namelist())
    for canary in CANARIES:
        assert canary.encode() not in spooled
        assert canary.encode() not in kept
    assert kept.count(b"[redacted]") >= 3 * len(CANARIES)


def test_offline_sessions_take_no_more_than_their_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(3):
        old = tmp_path / f"old-{n}.zip"
        old.write_bytes(b"x" * 40_000)
    with questions_of(tracker_of(tmp_path, max_bytes=60_000)) as questions:
        questions.served(served())
    left = list(tmp_path.glob("*.zip"))
    assert sum(file.stat().st_size for file in left) <= 60_000
    assert any(file.name.startswith("questions") for file in left), "the newest stays"
    assert "old-0.zip is deleted" in caplog.text
