"""What the driver's errors mean."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

_NET = re.compile(r"net::(ERR_[A-Z0-9_]+)")
_GONE = re.compile(
    r"disconnected|not reachable|tab crashed|session deleted|not connected to DevTools"
    r"|target (?:frame|window) (?:detached|already closed)|Unable to .*DevTools",
    re.IGNORECASE,
)
_PASSING = re.compile(
    r"ERR_(?:TIMED_OUT|CONNECTION_\w+|EMPTY_RESPONSE|TUNNEL_CONNECTION_FAILED|NETWORK_CHANGED"
    r"|INCOMPLETE_\w+|CONTENT_LENGTH_MISMATCH|SOCKET_\w+)"
)
_REASONS = {
    "ERR_ABORTED": "not a page: a download",
    "ERR_TUNNEL_CONNECTION_FAILED": "the host cannot be reached",
    "ERR_EMPTY_RESPONSE": "the host does not answer",
}


class BrowserCrashed(Exception):
    """The browser, its driver or the page's process is gone."""


class PageHangs(Exception):
    """The page does not answer within its time."""


class PageFailed(Exception):
    """The page did not load, or a command did not work on it."""

    def __init__(self, reason: str, *, transient: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.transient = transient


@contextmanager
def translated() -> Iterator[None]:
    """Turns the errors of Selenium, and of its connection to the driver, into the three above."""
    from selenium.common.exceptions import (  # noqa: PLC0415 - slow to import
        InvalidSessionIdException,
        NoSuchWindowException,
        TimeoutException,
        WebDriverException,
    )
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        yield
    except TimeoutException as error:
        raise PageHangs(_first_line(error.msg)) from error
    except (InvalidSessionIdException, NoSuchWindowException, HTTPError, OSError) as error:
        raise BrowserCrashed(_first_line(str(error))) from error
    except WebDriverException as error:
        message = error.msg or type(error).__name__
        if _GONE.search(message):
            raise BrowserCrashed(_first_line(message)) from error
        raise failure_of(message) from error


def failure_of(message: str) -> PageFailed:
    """Returns what the driver's message says: Chromium's own error code, if it names one."""
    found = _NET.search(message)
    if not found:
        return PageFailed(_first_line(message))
    code = found[1]
    reason = _REASONS.get(code) or code.removeprefix("ERR_").replace("_", " ").lower()
    return PageFailed(reason, transient=bool(_PASSING.fullmatch(code)))


def _first_line(message: str | None) -> str:
    return (message or "").strip().removeprefix("Message: ").partition("\n")[0]
