"""The driver's process, under a guard that ends it and its browser together with us."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.infrastructure.browser import guard
from llm_engineering.infrastructure.browser.flags import browser_environment

_LONGEST_BASE = 30  # characters
_STARTED = re.compile(r"started successfully on port (\d+)")
_POLL_S = 0.02
_END_S = 15.0
_SAID_BYTES = 10_000


def scratch_base() -> Path:
    """Returns where the scratch folder goes: the usual place, unless its path is too long.

    The browser makes sockets below it, with names of about 60 characters, and a socket's whole path
    may have 107 (unix(7)).
    """
    usual = Path(tempfile.gettempdir())
    return usual if len(str(usual)) <= _LONGEST_BASE else Path("/tmp")  # noqa: S108 - mkdtemp guards it


class DriverProcess:
    """A running chromedriver. `scratch` is a folder that goes with it.

    Args:
        driver: the program.
        timeout_s: how long it may take to listen.
    """

    def __init__(
        self,
        driver: Path,
        *,
        timeout_s: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._driver = driver
        self._sleep = sleep
        self.scratch = Path(tempfile.mkdtemp(prefix="browser-", dir=scratch_base()))
        reading, self._lifeline = os.pipe()
        self._log = (self.scratch / "driver.log").open("w+b")  # readable after its folder has gone
        try:
            self._guard = subprocess.Popen(  # noqa: S603 - the programs are ours or configured
                [
                    *(sys.executable, "-I", "-S", guard.__file__),
                    *(str(reading), str(self.scratch), str(driver), "--port=0"),
                ],
                pass_fds=[reading],
                start_new_session=True,
                env=browser_environment(os.environ, self.scratch),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
            )
        finally:
            os.close(reading)
        try:
            self.port = self._listening_port(monotonic() + timeout_s, monotonic)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Kills the driver and the browser, and waits until both are gone."""
        with contextlib.suppress(OSError):
            os.close(self._lifeline)
        try:
            self._guard.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        self._log.close()

    def _listening_port(self, deadline: float, monotonic: Callable[[], float]) -> int:
        said = ""
        while monotonic() < deadline:
            ended = self._guard.poll() is not None
            said = os.pread(self._log.fileno(), _SAID_BYTES, 0).decode("utf-8", "replace")
            if found := _STARTED.search(said):
                return int(found[1])
            if ended:
                break
            self._sleep(_POLL_S)
        last = said.strip().rpartition("\n")[2] or "it says nothing"
        raise ConfigurationError(f"{self._driver} does not start: {last:.200}")
