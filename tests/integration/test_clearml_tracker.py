"""What only the ClearML adapter has: a process of its own, and servers that fail."""

import atexit
import json
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from llm_engineering.infrastructure.tracking.clearml_tracker import ClearMLTracker
from tests.loopback import QuietHandler, listening


def tracker_of(folder: Path, api_host: str | None, patience_s: float = 60) -> ClearMLTracker:
    return ClearMLTracker(
        folder=folder,
        api_host=api_host,
        web_host=api_host,
        files_host=api_host,
        access_key=SecretStr("access-canary"),
        secret_key=SecretStr("secret-canary"),
        patience_s=patience_s,
    )


def losses(folder: Path) -> list[tuple[int, float]]:
    """Returns the scalars of the only session below a folder."""
    (file,) = folder.glob("*.zip")
    with zipfile.ZipFile(file) as session:
        lines = session.read("metrics.jsonl").decode().splitlines()
    return [(event["iter"], event["value"]) for line in lines for event in json.loads(line)]


class PingsOnly(QuietHandler):
    """A server that answers the probe, and fails everything else."""

    def answer(self) -> None:
        self.reply(200 if self.path == "/debug.ping" else 503)


@pytest.fixture
def failing_server() -> Iterator[str]:
    with listening(PingsOnly) as url:
        yield url


def test_a_server_that_is_down_is_recorded_offline_within_seconds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as deaf:  # accepts, and never answers
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        tracker = tracker_of(tmp_path, f"http://127.0.0.1:{deaf.getsockname()[1]}")
        began = time.monotonic()
        with tracker.task("run", "training") as task:
            assert time.monotonic() - began < 10  # the probe's 2 s, on a busy machine
            task.scalars("training", {"loss": 0.5}, 7)
            assert task.location.endswith(".zip")
    assert losses(tmp_path) == [(7, 0.5)]
    assert "recording offline" in caplog.text


def test_a_server_that_fails_in_the_middle_costs_no_record(
    tmp_path: Path, failing_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    with tracker_of(tmp_path, failing_server, patience_s=3).task("run", "training") as task:
        began = time.monotonic()
        for iteration in range(1, 2001):
            task.scalars("training", {"loss": 1 / iteration}, iteration)
        assert time.monotonic() - began < 10  # nothing waits for the server
    assert [n for n, _ in losses(tmp_path)] == list(range(1, 2001))
    assert task.location.endswith(".zip")
    assert Path(task.location).is_file()
    assert "recorded offline" in caplog.text


def test_secrets_are_neither_logged_nor_kept(
    tmp_path: Path, failing_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tracker = tracker_of(tmp_path, failing_server, patience_s=1)
    with tracker.task("run", "training") as task:
        task.parameters({"seed": 1})
        on_disk = [f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()]
        environment = Path(f"/proc/{task._process.pid}/environ").read_bytes()
        command = Path(f"/proc/{task._process.pid}/cmdline").read_bytes()
    with zipfile.ZipFile(task.location) as session:
        on_disk += [session.read(name) for name in session.namelist()]
    for text in (*on_disk, environment, command, caplog.text.encode(), repr(tracker).encode()):
        assert b"canary" not in text


def test_only_the_zip_is_left(tmp_path: Path) -> None:
    with tracker_of(tmp_path / "clearml", None).task("Fine tune/it!", "training") as task:
        task.scalars("a", {"b": 1.0}, 1)
    (left,) = (tmp_path / "clearml").rglob("*")
    assert str(left) == task.location
    assert left.name.startswith("fine-tune-it-")


def test_this_process_is_left_as_it_was(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    random.seed(5)

    def state() -> tuple[object, ...]:
        handlers = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGABRT)]
        return (
            *handlers,
            sys.excepthook,
            sys.exit,
            os.fork,
            atexit._ncallbacks(),
            random.getstate(),
            "clearml" in sys.modules,
        )

    before = state()
    with tracker_of(tmp_path, None).task("run", "training") as task:
        task.scalars("a", {"b": 1.0}, 1)
    assert state() == before
    assert capfd.readouterr() == ("", "")


def test_tasks_may_be_open_at_the_same_time(tmp_path: Path) -> None:
    tracker = tracker_of(tmp_path, None)
    with tracker.task("outer", "training") as outer, tracker.task("inner", "testing") as inner:
        outer.scalars("a", {"b": 1.0}, 1)
        inner.scalars("a", {"b": 2.0}, 2)
    assert losses_at(outer.location) == [(1, 1.0)]
    assert losses_at(inner.location) == [(2, 2.0)]


def losses_at(location: str) -> list[tuple[int, float]]:
    with zipfile.ZipFile(location) as session:
        lines = session.read("metrics.jsonl").decode().splitlines()
    return [(event["iter"], event["value"]) for line in lines for event in json.loads(line)]


def test_a_killed_run_leaves_its_session(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from tests.integration.test_clearml_tracker import tracker_of\n"
        "with tracker_of(Path(sys.argv[1]), None).task('run', 'training') as task:\n"
        "    task.scalars('training', {'loss': 0.25}, 3)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=root, check=False)
    assert run.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("*.zip")) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert losses(tmp_path) == [(3, 0.25)]
