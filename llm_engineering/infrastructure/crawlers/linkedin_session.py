"""LinkedIn in the browser: logged in once, at the pace of a reader."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from llm_engineering.application.ports.browsing import Browser, BrowserPage, RenderedPage
from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.linkedin_walls import LOGIN_FORM, MARKS, Wall, wall_of

ORIGIN = "https://www.linkedin.com"
_NAME, _WORD = "input[name=session_key]", "input[name=session_password]"
_BUTTON = "form button[type=submit]"
_DENIED = "#error-for-password, #error-for-username, [role=alert].form__label--error"
_MORE = "button.scaffold-finite-scroll__load-button"


@dataclass(frozen=True)
class LinkedInAccount:
    """Who logs in: LINKEDIN_USERNAME and LINKEDIN_PASSWORD."""

    username: str
    password: SecretStr


class Pace:
    """Lets one request through in so many seconds. Safe to use from several threads."""

    def __init__(
        self, interval_s: float, monotonic: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._interval_s = interval_s
        self._monotonic = monotonic
        self._sleep = sleep
        self._next = monotonic()
        self._turn = threading.Lock()

    def wait(self) -> None:
        """Returns when it is time for the next request."""
        with self._turn:
            left_s = self._next - self._monotonic()
            if left_s > 0:
                self._sleep(left_s)
            self._next = self._monotonic() + self._interval_s


class LinkedInSession:
    """Opens pages for one account. A log-in that was refused is not tried again."""

    def __init__(
        self,
        browser: Browser,
        account: LinkedInAccount | None,
        pace: Pace,
        *,
        origin: str = ORIGIN,
        max_scrolls: int = 50,
    ) -> None:
        self._browser = browser
        self._account = account
        self._pace = pace
        self._origin = origin
        self._max_scrolls = max_scrolls
        self._denied: str | None = None

    def open(self, url: str, *, wait_for: str, items: str | None = None) -> RenderedPage:
        """Returns the page, logged in if that is needed, and scrolled to the end of its `items`.

        Raises:
            FetchError: a wall stands there; says which, and what to do.
        """
        with self._browser.page() as page:
            found = self._opened(page, url, wait_for)
            if wall_of(found) is Wall.LOGIN and self._account:
                self._log_in(page, self._account, url)
                found = self._opened(page, url, wait_for)
            wall = wall_of(found)
            if wall:
                raise FetchError(url, wall.value, transient=wall is Wall.TOO_MANY)
            if items:
                found = page.scroll(items, more=_MORE, max_steps=self._max_scrolls)
            return found

    def _opened(self, page: BrowserPage, url: str, wait_for: str) -> RenderedPage:
        self._pace.wait()
        return page.open(url, wait_for=f"{wait_for}, {MARKS}")

    def _log_in(self, page: BrowserPage, account: LinkedInAccount, url: str) -> None:
        if self._denied is None:
            self._denied = self._denial(page, account)
        if self._denied:
            raise FetchError(url, self._denied)

    def _denial(self, page: BrowserPage, account: LinkedInAccount) -> str:
        """Logs in; returns why it was denied, nothing if it was not."""
        form = self._opened(page, f"{self._origin}/login", LOGIN_FORM)
        if not _same_origin(form.url, self._origin):
            return f"the log-in page of LinkedIn leads to {urlsplit(form.url).hostname}: not used"
        self._pace.wait()
        fields: dict[str, str | SecretStr] = {_NAME: account.username, _WORD: account.password}
        after = page.submit(fields, _BUTTON, wait_for=f"{_DENIED}, {MARKS.partition(', .')[2]}")
        wall = wall_of(after)
        if wall is Wall.LOGIN:
            return "LinkedIn does not accept the log-in: check LINKEDIN_USERNAME, LINKEDIN_PASSWORD"
        return wall.value if wall else ""


def _same_origin(url: str, origin: str) -> bool:
    ours, theirs = urlsplit(url), urlsplit(origin)
    return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)
