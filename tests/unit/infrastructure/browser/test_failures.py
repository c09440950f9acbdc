import pytest
from selenium.common.exceptions import (
    InvalidSessionIdException,
    TimeoutException,
    WebDriverException,
)
from urllib3.exceptions import ReadTimeoutError

from llm_engineering.infrastructure.browser.failures import (
    BrowserCrashed,
    PageFailed,
    PageHangs,
    failure_of,
    translated,
)


@pytest.mark.parametrize(
    ("message", "reason", "transient"),
    [
        (
            "unknown error: net::ERR_CERT_AUTHORITY_INVALID\n  (Session)",
            "cert authority invalid",
            False,
        ),
        ("unknown error: net::ERR_CONNECTION_RESET", "connection reset", True),
        ("unknown error: net::ERR_TUNNEL_CONNECTION_FAILED", "the host cannot be reached", True),
        ("unknown error: net::ERR_ABORTED", "not a page: a download", False),
        ("no such element\nStacktrace: …", "no such element", False),
    ],
)
def test_chromium_says_why_a_page_did_not_come(message: str, reason: str, transient: bool) -> None:
    failure = failure_of(message)
    assert (failure.reason, failure.transient) == (reason, transient)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (InvalidSessionIdException("invalid session id"), BrowserCrashed),
        (WebDriverException("disconnected: not connected to DevTools"), BrowserCrashed),
        (WebDriverException("tab crashed"), BrowserCrashed),
        (ConnectionRefusedError(111, "refused"), BrowserCrashed),
        (TimeoutException("timeout: Timed out receiving message from renderer"), PageHangs),
        (WebDriverException("element click intercepted"), PageFailed),
    ],
)
def test_errors_are_told_apart(error: Exception, meaning: type[Exception]) -> None:
    with pytest.raises(meaning), translated():
        raise error


def test_a_driver_that_does_not_answer_has_crashed() -> None:
    with pytest.raises(BrowserCrashed), translated():
        raise ReadTimeoutError(None, "/session", "Read timed out.")  # type: ignore[arg-type]


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), translated():
        raise KeyError("x")
