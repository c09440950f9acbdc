"""A Chromium without Chromium: the commands of Selenium that a page uses, and what they find."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.browser import page as page_module
from llm_engineering.infrastructure.browser.limits import BrowserLimits
from llm_engineering.infrastructure.browser.page import SeleniumPage
from llm_engineering.infrastructure.browser.proxy import Resolve
from llm_engineering.infrastructure.browser.session import BrowserSession

SITE = "https://sky.example/"


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@dataclass
class Element:
    """A field or a button. It holds a text before anything is typed."""

    shown: bool = True
    text: str = "old"
    on_click: Callable[[], None] = lambda: None

    def is_displayed(self) -> bool:
        return self.shown

    def clear(self) -> None:
        self.text = ""

    def send_keys(self, text: str) -> None:
        self.text += text

    def click(self) -> None:
        self.on_click()


@dataclass
class ScriptedDriver:
    """One page. `growth` are the extents after each scroll; `texts` the lengths of the text."""

    current_url: str = "about:blank"
    html: str = "<p>hello</p>"
    status: int = 200
    complete: bool = True
    shown_url: str | None = None
    elements: dict[str, list[Element]] = field(default_factory=dict)
    texts: list[int] = field(default_factory=lambda: [5])
    growth: list[tuple[int, int]] = field(default_factory=list)
    extent: tuple[int, int] = (0, 0)
    failures: list[Exception] = field(default_factory=list)
    handles: list[str] = field(default_factory=lambda: ["first"])
    visited: list[str] = field(default_factory=list)
    scrolled: list[str | None] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    window: str = "first"

    @property
    def window_handles(self) -> list[str]:
        return list(self.handles)

    @property
    def switch_to(self) -> SimpleNamespace:
        return SimpleNamespace(window=lambda name: setattr(self, "window", name))

    def close(self) -> None:
        self.closed.append(self.window)
        self.handles.remove(self.window)

    def quit(self) -> None:
        self.closed.append("all")

    def get(self, url: str) -> None:
        self.visited.append(url)
        self.current_url = url  # also of a page that does not come
        if self.failures:
            raise self.failures.pop(0)

    def find_elements(self, by: str, selector: str) -> list[Element]:
        assert by == "css selector"
        return self.elements.get(selector, [])

    def execute_script(self, script: str, *arguments: object) -> object:
        if script == page_module._READ:
            shown = self.html if len(self.html) <= cast("int", arguments[0]) else ""
            return [self.shown_url or self.current_url, self.status, len(self.html), shown]
        if script == page_module._PROGRESS:
            length = self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]
            return [self.complete, length]
        if script == page_module._SCROLL:
            self.scrolled.append(cast("str | None", arguments[0]))
            self.extent = self.growth.pop(0) if self.growth else self.extent
            return None
        return self.status if script == page_module._STATUS else list(self.extent)


class ScriptedProxy:
    """What the proxy of a session tells about the page."""

    def __init__(self) -> None:
        self.refusals: dict[tuple[str, int], FetchError] = {}
        self.exhausted = False
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1


@dataclass
class ScriptedSession:
    """A running browser."""

    driver: ScriptedDriver = field(default_factory=ScriptedDriver)
    proxy: ScriptedProxy = field(default_factory=ScriptedProxy)


class Pages:
    """A page on a row of sessions: the next one begins when one is discarded."""

    def __init__(
        self, *drivers: ScriptedDriver, limits: BrowserLimits = BrowserLimits(), **names: str
    ) -> None:
        self.clock = Clock()
        self.sessions = [ScriptedSession(driver) for driver in drivers or (ScriptedDriver(),)]
        self.discarded: list[ScriptedSession] = []
        self.refused = names
        self.page = SeleniumPage(
            lambda: cast("BrowserSession", self.session),
            self._discard,
            cast("Resolve", self._resolve),
            limits,
            self.clock.sleep,
            self.clock.monotonic,
        )

    @property
    def session(self) -> ScriptedSession:
        return self.sessions[min(len(self.discarded), len(self.sessions) - 1)]

    def _discard(self) -> None:
        self.discarded.append(self.session)

    def _resolve(self, host: str, port: int) -> list[str]:
        if reason := self.refused.get(host.partition(".")[0]):
            raise FetchError(host, reason, transient=reason == "down")
        return [f"{host}:{port}"]
