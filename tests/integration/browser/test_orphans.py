"""Nothing of the browser outlives its user."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.infrastructure.browser.driver import BrowserDriver
from llm_engineering.infrastructure.browser.limits import BrowserLimits
from llm_engineering.infrastructure.browser.process import DriverProcess
from llm_engineering.infrastructure.browser.programs import Programs, find_programs
from tests.integration.browser.processes import command, descendants
from tests.integration.crawlers.local_site import LocalSite

USER = """
import sys, time
from llm_engineering.infrastructure.browser.driver import BrowserDriver
from llm_engineering.infrastructure.browser.programs import find_programs

browser = BrowserDriver(lambda: find_programs(None, None), lambda host, port: ["127.0.0.1"])
with browser.page() as page:
    page.open(sys.argv[1])
    print("open", flush=True)
    if sys.argv[2] == "raise":
        raise RuntimeError("in the middle")
    time.sleep(100)
"""


def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def gone(pids: list[int], within_s: float = 15.0) -> bool:
    deadline = time.monotonic() + within_s
    while any(map(command, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(command, pids))


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder in which a browser can make its sockets."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="b") as folder:
        yield Path(folder)


@pytest.mark.parametrize("end", ["SIGKILL", "SIGTERM", "raise"])
def test_the_browser_ends_with_the_process_that_uses_it(
    site: LocalSite, short_path: Path, end: str
) -> None:
    site.add("/", "<p>x</p>")
    user = subprocess.Popen(
        [sys.executable, "-c", USER, site.url, end],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(short_path)},
    )
    try:
        assert user.stdout
        line = user.stdout.readline()
        below = [pid for pid, _ in descendants(user.pid)]
        if end != "raise":
            assert line == b"open\n"
            assert len(below) > 5, "a guard, a driver and a browser of several processes"
            user.send_signal(getattr(signal, end))
        user.wait(30)
        assert user.returncode != 0
        assert gone(below)
        assert list(short_path.glob("browser-*")) == []
    finally:
        user.kill()
        user.wait()
        if user.stdout:
            user.stdout.close()


def test_a_browser_starts_when_it_is_used_and_ends_when_it_is_idle(
    site: LocalSite, tmp_path: Path
) -> None:
    site.add("/", "<p>x</p><script>localStorage.x = (localStorage.x || '') + 'i'</script>")
    profile = tmp_path / "kept" / "profile"
    before = {pid for pid, _ in descendants(os.getpid())}
    browser = BrowserDriver(
        lambda: find_programs(None, None),
        loopback,
        profile=profile,
        limits=BrowserLimits(idle_s=0.3),
    )
    assert {pid for pid, _ in descendants(os.getpid())} <= before
    with browser.page() as page:
        page.open(site.url)
        started = [pid for pid, _ in descendants(os.getpid()) if pid not in before]
    assert started
    assert gone(started)
    assert (profile / "Default").is_dir(), "the profile is kept"
    assert profile.stat().st_mode & 0o077 == 0
    browser.close()


def test_a_driver_that_does_not_start_says_so(tmp_path: Path) -> None:
    driver = tmp_path / "driver"
    driver.write_text("#!/bin/sh\necho 'cannot open display'\nexit 1\n")
    driver.chmod(0o755)
    with pytest.raises(ConfigurationError, match="driver does not start: cannot open display"):
        DriverProcess(driver)


def test_a_browser_that_does_not_start_says_so(tmp_path: Path) -> None:
    programs = find_programs(None, None)
    browser = BrowserDriver(lambda: Programs(tmp_path / "absent", programs.driver), loopback)
    with pytest.raises(ConfigurationError, match="Chromium does not start"), browser.page():
        pass
