"""A page in Chromium: loaded, filled in, scrolled, and read."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from llm_engineering.application.ports.browsing import RenderedPage
from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.browser.failures import (
    BrowserCrashed,
    PageFailed,
    PageHangs,
    translated,
)
from llm_engineering.infrastructure.browser.limits import BrowserLimits
from llm_engineering.infrastructure.browser.proxy import FilteringProxy, Resolve
from llm_engineering.infrastructure.browser.session import BrowserSession

if TYPE_CHECKING:
    from selenium.webdriver import Remote
    from selenium.webdriver.remote.webelement import WebElement

_POLL_S = 0.1
_QUIET_S = 0.4  # a page whose text has not changed for so long has settled
_FIRST_ERROR = 400
_PORTS = {"http": 80, "https": 443}
# What the page has redefined may lie here, but only about the page itself.
_READ = """
const html = document.documentElement ? document.documentElement.outerHTML : "";
const entry = performance.getEntriesByType("navigation")[0];
return [document.URL, (entry && entry.responseStatus) || 0, html.length,
        html.length > arguments[0] ? "" : html];
"""
_STATUS = """
const entry = performance.getEntriesByType("navigation")[0];
return (entry && entry.responseStatus) || 0;
"""
_PROGRESS = """
return [document.readyState === "complete", document.body ? document.body.innerText.length : 0];
"""
_SCROLL = """
window.scrollTo(0, document.body.scrollHeight);
const more = arguments[0] && [...document.querySelectorAll(arguments[0])]
    .find(button => button.offsetParent !== null && !button.disabled);
if (more) more.click();
"""
_EXTENT = "return [document.querySelectorAll(arguments[0]).length, document.body.scrollHeight];"


class _Crashed(FetchError):
    """The browser has crashed over the page."""


class SeleniumPage:
    """The one page of the browser. `BrowserDriver` makes it; see the port for what it does."""

    def __init__(
        self,
        running: Callable[[], BrowserSession],
        discard: Callable[[], None],
        resolve: Resolve,
        limits: BrowserLimits,
        sleep: Callable[[float], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._running = running
        self._discard = discard
        self._resolve = resolve
        self._limits = limits
        self._sleep = sleep
        self._monotonic = monotonic
        self._url: str | None = None

    def open(self, url: str, *, wait_for: str | None = None) -> RenderedPage:
        """Returns the page; a browser that crashes over it is started again, once."""
        self._check(url)
        self._url = url
        try:
            return self._opened(url, wait_for)
        except _Crashed:
            return self._opened(url, wait_for)

    def submit(
        self, fields: Mapping[str, str | SecretStr], button: str, *, wait_for: str | None = None
    ) -> RenderedPage:
        """Types, clicks, and returns the page that follows."""
        with self._driving() as session:
            driver = session.driver
            for field, value in fields.items():
                element = self._shown(driver, field)
                element.clear()
                element.send_keys(value if isinstance(value, str) else value.get_secret_value())
            before = driver.current_url
            self._shown(driver, button).click()
            self._wait(lambda: driver.current_url != before or _shows(driver, wait_for))
            self._settle(driver)
            return self._read(session)

    def scroll(self, item: str, *, more: str | None = None, max_steps: int = 50) -> RenderedPage:
        """Scrolls until neither items nor the page's length grow."""
        with self._driving() as session:
            driver = session.driver
            extent = driver.execute_script(_EXTENT, item)
            for _ in range(max_steps):
                driver.execute_script(_SCROLL, more)
                known, extent = extent, self._changed_extent(driver, item, extent)
                if extent == known:
                    break
            return self._read(session)

    def leave(self) -> None:
        """Stops the page's scripts and closes what it has opened."""
        if self._url is None:
            return
        try:
            with self._driving() as session:
                driver = session.driver
                first, *others = driver.window_handles
                for other in others:
                    driver.switch_to.window(other)
                    driver.close()
                driver.switch_to.window(first)
                driver.get("about:blank")
        except FetchError:
            self._discard()  # the next page gets a new browser

    def _check(self, url: str) -> None:
        """Refuses an address before the browser sees it, with the reason."""
        try:
            host, port = _destination(url)
            self._resolve(host, port)
        except ValueError:
            raise FetchError(url, "not opened in a browser (allowed: http and https)") from None
        except FetchError as error:
            raise FetchError(url, error.reason, transient=error.transient) from error

    def _opened(self, url: str, wait_for: str | None) -> RenderedPage:
        with self._driving() as session:
            session.proxy.reset()
            with suppress(PageHangs), translated():
                session.driver.get(url)  # after its time, what is there is the page
            if wait_for:
                self._wait(lambda: _shows(session.driver, wait_for) or _is_refused(session.driver))
            else:
                self._settle(session.driver)
            return self._read(session)

    @contextmanager
    def _driving(self) -> Iterator[BrowserSession]:
        """Yields the running browser; its errors become ours."""
        url = self._url or "about:blank"
        session = self._running()
        try:
            with translated():
                yield session
        except PageHangs as error:
            self._discard()
            raise FetchError(url, "the page hangs", transient=True) from error
        except BrowserCrashed as error:
            self._discard()
            raise _Crashed(url, "the browser crashed on this page", transient=True) from error
        except PageFailed as error:
            raise _refusal(session.proxy, url) or FetchError(
                url, error.reason, transient=error.transient
            ) from error

    def _read(self, session: BrowserSession) -> RenderedPage:
        """Returns the page as it is now, unless it is an error page of the browser."""
        most = self._limits.max_html_bytes
        url, status, length, html = session.driver.execute_script(_READ, most)
        if session.proxy.exhausted:
            raise FetchError(self._url or url, "loads more than it may")
        if not str(url).startswith(("http://", "https://")):
            wanted = session.driver.current_url  # on an error page, what did not come
            asked = self._url or wanted
            reason = "leads to no page: a download, or what a browser does not show"
            raise _refusal(session.proxy, wanted) or FetchError(asked, reason)
        if length > most:
            raise FetchError(url, f"larger than {most:,} characters")
        return RenderedPage(url=url, status=status, html=html)

    def _changed_extent(self, driver: "Remote", item: str, known: object) -> object:
        """Returns how many items there are and how long the page is, once that has changed."""
        extent = known

        def changed() -> bool:
            nonlocal extent
            extent = driver.execute_script(_EXTENT, item)
            return bool(extent != known)

        self._wait(changed, self._limits.item_s)
        return extent

    def _shown(self, driver: "Remote", selector: str) -> "WebElement":
        found: list[WebElement] = []

        def look() -> bool:
            found[:] = [
                element
                for element in driver.find_elements("css selector", selector)
                if element.is_displayed()
            ]
            return bool(found)

        if not self._wait(look, self._limits.field_s):
            raise PageFailed(f"no {selector} on the page")
        return found[0]

    def _settle(self, driver: "Remote") -> None:
        """Waits until the page has loaded and its text has stopped changing."""
        last, since = None, self._monotonic()

        def quiet() -> bool:
            nonlocal last, since
            complete, length = driver.execute_script(_PROGRESS)
            if (complete, length) != last:
                last, since = (complete, length), self._monotonic()
            return bool(complete) and self._monotonic() - since >= _QUIET_S

        self._wait(quiet, self._limits.settle_s)

    def _wait(self, until: Callable[[], bool], most_s: float | None = None) -> bool:
        """Returns whether it came true in time."""
        deadline = self._monotonic() + (self._limits.wait_s if most_s is None else most_s)
        while not until():
            if self._monotonic() >= deadline:
                return False
            self._sleep(_POLL_S)
        return True


def _shows(driver: "Remote", selector: str | None) -> bool:
    return bool(selector and driver.find_elements("css selector", selector))


def _is_refused(driver: "Remote") -> bool:
    """Returns whether the page's status says that nothing is to be waited for."""
    return bool(driver.execute_script(_STATUS) >= _FIRST_ERROR)


def _destination(url: str) -> tuple[str, int]:
    """Returns host and port of a web address; raises ValueError for anything else."""
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme)
    if parts.scheme not in _PORTS or not parts.hostname or port is None:
        raise ValueError(url)
    return parts.hostname, port


def _refusal(proxy: FilteringProxy, url: str) -> FetchError | None:
    """Returns why the host of this address was refused, if it was."""
    try:
        error = proxy.refusals.get(_destination(url))
    except ValueError:
        return None
    return FetchError(url, error.reason, transient=error.transient) if error else None
