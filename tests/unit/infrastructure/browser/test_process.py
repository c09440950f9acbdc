import time
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.infrastructure.browser import process


@pytest.mark.parametrize(
    ("usual", "base"),
    [
        ("/tmp", "/tmp"),
        ("/var/tmp", "/var/tmp"),
        ("/home/ada/a/folder/with/a/long/name/for/temporary/files", "/tmp"),
    ],
)
def test_a_path_too_long_for_the_sockets_of_a_browser_is_not_used(
    usual: str, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", usual)
    assert process.scratch_base() == Path(base)


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a script that takes the driver's place."""

    def write(script: str) -> Path:
        path = tmp_path / "chromedriver"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return write


LISTENS = "echo 'ChromeDriver was started successfully on port 4711.'; exec sleep 60"


def gone(pid: int) -> bool:
    """Returns whether a process has ended, within ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_the_driver_says_where_it_listens(program: Callable[[str], Path]) -> None:
    running = process.DriverProcess(program(f"echo Starting; sleep 0.2; {LISTENS}"))
    assert running.port == 4711
    assert running.scratch.is_dir()
    running.close()
    assert not running.scratch.exists(), "its folder goes with it"


def test_what_it_started_ends_with_it(program: Callable[[str], Path], tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    start = f"setsid sh -c 'trap \"\" TERM INT HUP; echo $$ >> {pids}; sleep 60' &"
    running = process.DriverProcess(program(f"echo $$ >> {pids}; {start} sleep 0.3; {LISTENS}"))
    running.close()
    found = [int(line) for line in pids.read_text().split()]
    assert len(found) == 2
    assert all(map(gone, found)), "also what has left its group and ignores signals"


def test_closing_twice_is_allowed(program: Callable[[str], Path]) -> None:
    running = process.DriverProcess(program(LISTENS))
    running.close()
    running.close()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 1", "it says nothing"),
        ("echo first; echo 'error: no display' >&2; exit 1", "error: no display"),
        ("kill -9 $$", "it says nothing"),
        ("printf 'caf\\351 \\377\\n'; exit 1", "caf"),
        ("printf '%0900d' 7; exit 1", "0000"),
        ("echo 'started successfully on port soon'; exit 1", "on port soon"),
    ],
    ids=["ends", "complains", "is killed", "no UTF-8", "a long line", "no number"],
)
def test_a_driver_that_does_not_start_says_its_last_line(
    program: Callable[[str], Path],
    script: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "scratch_base", lambda: tmp_path)
    with pytest.raises(ConfigurationError, match=r"chromedriver does not start: ") as failure:
        process.DriverProcess(program(script))
    assert told in str(failure.value)
    assert "\n" not in str(failure.value)
    assert len(str(failure.value)) < 500
    assert list(tmp_path.glob("browser-*")) == [], "nothing is left behind"


def test_a_driver_that_never_listens_is_given_up(
    program: Callable[[str], Path], tmp_path: Path
) -> None:
    said, started = tmp_path / "said", time.monotonic()
    seen: list[bool] = []

    def clock() -> float:
        """Stands still until what was said can be read, and was looked for once more."""
        seen.append(said.exists())
        return 6.0 if sum(seen) > 1 else 0.0

    with pytest.raises(ConfigurationError, match="does not start: waiting"):
        process.DriverProcess(
            program(f"echo waiting; touch {said}; exec sleep 60"),
            timeout_s=5,
            sleep=lambda _: time.sleep(0.01),
            monotonic=clock,
        )
    assert time.monotonic() - started < 30, "and its process is ended at once"


def test_a_program_that_is_not_there_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none does not start: "):
        process.DriverProcess(tmp_path / "none")


def test_the_driver_sees_no_secret_and_a_home_of_its_own(
    program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "made-up-5")
    seen = tmp_path / "environment"
    running = process.DriverProcess(program(f"env > {seen}; {LISTENS}"))
    running.close()
    text = seen.read_text()
    assert "made-up-5" not in text
    assert f"HOME={running.scratch}\n" in text


def test_a_driver_that_ends_takes_its_guard_along(program: Callable[[str], Path]) -> None:
    running = process.DriverProcess(
        program("echo 'started successfully on port 1'; sleep 0.2; exit 0")
    )
    assert running._guard.wait(10) is not None
    assert not running.scratch.exists()
    running.close()
