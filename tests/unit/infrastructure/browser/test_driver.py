"""When the browser starts and ends: at its first use, after a crash, when it is idle."""

import stat
import threading
import time
from pathlib import Path

import pytest

from llm_engineering.domain.errors import ConfigurationError, FetchError
from llm_engineering.infrastructure.browser import driver as driver_module
from llm_engineering.infrastructure.browser.driver import BrowserDriver
from llm_engineering.infrastructure.browser.limits import BrowserLimits
from llm_engineering.infrastructure.browser.programs import Programs
from tests.unit.infrastructure.browser.scripted_driver import (
    SITE,
    Clock,
    ScriptedDriver,
    ScriptedProxy,
)

PROGRAMS = Programs(Path("/opt/chrome"), Path("/opt/chromedriver"))
QUICK = BrowserLimits(settle_s=0.5, idle_s=30.0)


class Session:
    """A browser that runs; `ended` says how it was closed, in order or not."""

    def __init__(self, programs: Programs, profile: Path | None) -> None:
        self.programs = programs
        self.profile = profile
        self.driver = ScriptedDriver()
        self.proxy = ScriptedProxy()
        self.ended: list[bool] = []

    def close(self, *, in_order: bool = True) -> None:
        self.ended.append(in_order)


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """The browsers that were started."""
    started: list[Session] = []

    def start(
        programs: Programs, resolve: object, profile: Path | None, limits: BrowserLimits
    ) -> Session:
        started.append(Session(programs, profile))
        return started[-1]

    monkeypatch.setattr(driver_module, "BrowserSession", start)
    return started


def browser(limits: BrowserLimits = QUICK, profile: Path | None = None) -> BrowserDriver:
    clock = Clock()
    return BrowserDriver(
        lambda: PROGRAMS,
        lambda host, _: [host],
        profile=profile,
        limits=limits,
        sleep=clock.sleep,
        monotonic=clock.monotonic,
    )


def wait_for(condition: object, what: str) -> None:
    deadline = time.monotonic() + 10
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_nothing_starts_before_the_first_page(sessions: list[Session]) -> None:
    made = browser()
    assert sessions == []
    made.close()
    assert sessions == []
    with made.page() as page:
        assert page.open(SITE).url == SITE
    made.close()
    assert [session.ended for session in sessions] == [[True]]
    assert sessions[0].programs == PROGRAMS


def test_one_browser_serves_many_pages(sessions: list[Session]) -> None:
    made = browser()
    for number in range(3):
        with made.page() as page:
            page.open(f"{SITE}{number}")
    made.close()
    assert len(sessions) == 1
    visited = [f"{SITE}0", "about:blank", f"{SITE}1", "about:blank", f"{SITE}2", "about:blank"]
    assert sessions[0].driver.visited == visited, "each page is left before the next"


def test_after_closing_the_next_page_gets_another_browser(sessions: list[Session]) -> None:
    made = browser()
    for _ in range(2):
        with made.page() as page:
            page.open(SITE)
        made.close()
        made.close()
    assert [session.ended for session in sessions] == [[True], [True]]


def test_a_crashed_browser_is_ended_without_waiting_for_it(sessions: list[Session]) -> None:
    made = browser()
    with made.page() as page:
        page.open(SITE)
        sessions[0].driver.failures = [OSError("connection refused")]
        assert page.open(f"{SITE}again").url == f"{SITE}again"
    made.close()
    assert [session.ended for session in sessions] == [[False], [True]]


def test_a_page_that_cannot_be_left_costs_its_browser_and_not_the_caller(
    sessions: list[Session],
) -> None:
    made = browser()
    with made.page() as page:
        page.open(SITE)
        sessions[0].driver.failures = [OSError("gone")]
    assert sessions[0].ended == [False]
    with made.page() as page:
        page.open(SITE)
    made.close()
    assert len(sessions) == 2


def test_a_browser_that_is_idle_for_long_ends(sessions: list[Session]) -> None:
    made = browser(BrowserLimits(idle_s=0.05))
    with made.page() as page:
        page.open(SITE)
    wait_for(lambda: sessions[0].ended, "it ends by itself")
    assert sessions[0].ended == [True]
    with made.page() as page:
        page.open(SITE)
    made.close()
    assert len(sessions) == 2


def test_a_browser_in_use_is_not_idle(sessions: list[Session]) -> None:
    made = browser(BrowserLimits(idle_s=0.1))
    with made.page() as page:
        page.open(SITE)
    with made.page() as page:
        time.sleep(0.3)
        page.open(SITE)
        assert sessions[0].ended == []
    made.close()
    assert sessions[0].ended == [True]
    time.sleep(0.2)
    assert sessions[0].ended == [True], "its timer ended with it"


def test_a_timer_leaves_nobody_waiting_at_the_end_of_the_program(sessions: list[Session]) -> None:
    made = browser()
    with made.page() as page:
        page.open(SITE)
    assert made._idle is not None
    assert made._idle.daemon
    made.close()
    assert made._idle is None


def test_an_error_of_the_user_leaves_the_page_and_frees_the_browser(
    sessions: list[Session],
) -> None:
    made = browser()
    with pytest.raises(KeyError, match="mine"), made.page() as page:
        page.open(SITE)
        raise KeyError("mine")
    assert sessions[0].driver.visited[-1] == "about:blank"
    with made.page() as page:
        page.open(SITE)
    made.close()
    assert len(sessions) == 1


def test_users_take_turns(sessions: list[Session]) -> None:
    made, inside, most = browser(), list[int](), list[int]()

    def use() -> None:
        with made.page() as page:
            inside.append(1)
            most.append(len(inside))
            page.open(SITE)
            inside.pop()

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    made.close()
    assert most == [1] * 8
    assert len(sessions) == 1


def test_the_folder_of_log_ins_is_private_and_a_home_is_expanded(
    sessions: list[Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    made = browser(profile=Path("~/deep/profile"))
    assert not (tmp_path / "deep").exists(), "nothing is made before it is needed"
    with made.page() as page:
        page.open(SITE)
    made.close()
    assert sessions[0].profile == tmp_path / "deep" / "profile"
    assert stat.S_IMODE((tmp_path / "deep" / "profile").stat().st_mode) == 0o700


def test_a_browser_that_does_not_start_is_tried_again_at_the_next_page(
    sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = vars(driver_module)["BrowserSession"]
    problems = [ConfigurationError("Chromium does not start: no display")]

    def sometimes(*arguments: object) -> object:
        if problems:
            raise problems.pop()
        return start(*arguments)

    monkeypatch.setattr(driver_module, "BrowserSession", sometimes)
    made = browser()
    with pytest.raises(ConfigurationError, match="does not start"):
        made.page().__enter__()
    with made.page() as page:
        page.open(SITE)
    made.close()
    assert len(sessions) == 1


def test_a_refused_page_keeps_the_browser(sessions: list[Session]) -> None:
    made = browser()
    with made.page() as page:
        with pytest.raises(FetchError, match="allowed: http and https"):
            page.open("file:///etc/passwd")
        page.open(SITE)
    made.close()
    assert [session.ended for session in sessions] == [[True]]
