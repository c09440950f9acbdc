"""What is said of a browser that does not start, and what is kept out of the logs."""

import logging
from pathlib import Path

import pytest

from llm_engineering.infrastructure.browser.session import (
    _keep_typed_text_out_of_logs,
    _why_not_started,
)

PROFILE = Path("/srv/profile")
SELENIUM = "selenium.webdriver.remote.remote_connection"


@pytest.mark.parametrize(
    "message",
    [
        "session not created: probably user data directory is already in use, please specify",
        "Message: unknown error: the profile appears to be in use by another Chromium process",
        "Failed to create /srv/profile/SingletonLock: File exists (17)",
    ],
)
def test_a_profile_in_use_is_named(message: str) -> None:
    assert _why_not_started(message, PROFILE) == (
        "browser profile /srv/profile is in use: close the other Chromium or crawl"
    )


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Message: session not created: no display\nStacktrace:\n#0 0x55", "no display"),
        ("", "Chromium does not start: "),
        ("x" * 5_000, "x" * 300),
        ("\n\n  Message: late\n", "Chromium does not start: late"),
    ],
)
def test_anything_else_is_its_first_line(message: str, told: str) -> None:
    line = _why_not_started(message, PROFILE)
    assert line.startswith("Chromium does not start: ")
    assert line.endswith(told)
    assert "\n" not in line
    assert len(line) < 400


@pytest.mark.parametrize(
    ("level", "after"),
    [
        (logging.NOTSET, logging.INFO),
        (logging.DEBUG, logging.INFO),
        (logging.ERROR, logging.ERROR),
    ],
)
def test_the_log_of_what_is_typed_stays_off(level: int, after: int) -> None:
    logger = logging.getLogger(SELENIUM)
    before = logger.level
    try:
        logger.setLevel(level)
        _keep_typed_text_out_of_logs()
        assert logger.level == after, "what is stricter stays"
    finally:
        logger.setLevel(before)
