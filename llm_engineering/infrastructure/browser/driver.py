"""The browser by Selenium: Chromium, one page at a time, started when it is needed."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from llm_engineering.infrastructure.browser.limits import BrowserLimits
from llm_engineering.infrastructure.browser.page import SeleniumPage
from llm_engineering.infrastructure.browser.programs import Programs
from llm_engineering.infrastructure.browser.proxy import Resolve
from llm_engineering.infrastructure.browser.session import BrowserSession


class BrowserDriver:
    """A Chromium that nothing reaches but what `resolve` allows, and that never outlives us.

    It starts at the first use, again after a crash, and ends when it is idle for a while.

    Args:
        find: where Chromium and its driver are; asked at the first use.
        resolve: the addresses of a host and port that may be connected to; raises FetchError.
        profile: a folder that keeps cookies and log-ins; without one, nothing is kept.
        limits: bounds of a page.
        sleep: waits between looks at a page.
        monotonic: the clock of those waits.
    """

    def __init__(
        self,
        find: Callable[[], Programs],
        resolve: Resolve,
        *,
        profile: Path | None = None,
        limits: BrowserLimits = BrowserLimits(),
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._resolve = resolve
        self._profile = profile.expanduser().absolute() if profile else None
        self._limits = limits
        self._sleep = sleep
        self._monotonic = monotonic
        self._turn = threading.RLock()
        self._session: BrowserSession | None = None
        self._idle: threading.Timer | None = None

    @contextmanager
    def page(self) -> Iterator[SeleniumPage]:
        """Yields the page; the browser is started if it does not run. See the port."""
        with self._turn:
            self._stay()
            self._running()
            page = SeleniumPage(
                self._running,
                self._discard,
                self._resolve,
                self._limits,
                self._sleep,
                self._monotonic,
            )
            try:
                yield page
            finally:
                page.leave()
                self._leave_when_idle()

    def close(self) -> None:
        """Ends the browser; the next use starts another."""
        with self._turn:
            self._stay()
            if self._session is not None:
                session, self._session = self._session, None
                session.close()

    def _running(self) -> BrowserSession:
        if self._session is None:
            if self._profile is not None:
                self._profile.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._session = BrowserSession(self._find(), self._resolve, self._profile, self._limits)
        return self._session

    def _discard(self) -> None:
        """Ends a browser that has crashed or hangs."""
        if self._session is not None:
            session, self._session = self._session, None
            session.close(in_order=False)

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _leave_when_idle(self) -> None:
        timer = threading.Timer(self._limits.idle_s, self._end_idle)
        timer.daemon = True
        self._idle = timer
        timer.start()

    def _end_idle(self) -> None:
        """Closes unless somebody has begun to use it in the meantime."""
        with self._turn:
            if self._idle is threading.current_thread():
                self.close()
