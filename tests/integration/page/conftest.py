"""The page as a browser sees it: our application on a loopback port, and a headless Chromium."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from starlette.types import ASGIApp, Receive, Scope, Send

from llm_engineering.application.ports.storage import GenerationStatus
from llm_engineering.application.rag.answer_recorder import AnswerRecorder
from llm_engineering.infrastructure.browser.programs import find_programs
from llm_engineering.infrastructure.in_memory.feedback_store import InMemoryFeedbackStore
from llm_engineering.serving.api import create_app
from llm_engineering.serving.deployment import Deployment
from tests.builders import make_generation
from tests.integration.page.scripted import Keeper

_VANISHING = (StaleElementReferenceException,)  # Gradio drew anew what was looked at


class Requests:
    """An ASGI application around another one: knows which requests have no end yet."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None
        self.under_way: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.under_way.append(scope["path"])
        try:
            await self.app(scope, receive, send)
        finally:
            self.under_way.remove(scope["path"])


@dataclass
class House:
    """The service behind the page; a test puts another keeper or deployment in."""

    url: str
    keeper: Keeper = field(default_factory=Keeper)
    feedback: InMemoryFeedbackStore = field(default_factory=InMemoryFeedbackStore)
    deployment: Deployment = field(default_factory=Deployment)
    requests: Requests = field(default_factory=Requests)

    def renew(self, **deployment: Any) -> None:
        """Begins anew, without what earlier tests left behind."""
        self.keeper, self.feedback = Keeper(), InMemoryFeedbackStore()
        self.deployment = Deployment(
            release=lambda: "release-7",
            generations=lambda: [GenerationStatus(make_generation(), 1234, True)],
            answers=AnswerRecorder(self.feedback),
            **deployment,
        )


@pytest.fixture(scope="session")
def running_house() -> Iterator[House]:
    """One server for all tests: Gradio is imported once."""
    bound = socket.create_server(("127.0.0.1", 0))
    house = House(f"http://127.0.0.1:{bound.getsockname()[1]}")
    house.requests.app = create_app(lambda: house.keeper, lambda: house.deployment)
    server = uvicorn.Server(
        uvicorn.Config(house.requests, log_level="warning", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    yield house
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def house(running_house: House) -> House:
    running_house.renew()
    return running_house


class Reader:
    """Somebody who looks at the page, and sees what the browser did for it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def visit(self, house: House) -> None:
        """Opens the page, and waits until it can be used."""
        self._log("browser")
        self._log("performance")
        self.driver.get(f"{house.url}/ui")
        self.one("#question textarea")

    def one(self, css: str, text: str = "", within_s: float = 15.0) -> WebElement:
        """Returns the visible element that has the text, as soon as there is one."""

        def found(driver: webdriver.Chrome) -> WebElement | None:
            elements = driver.find_elements(By.CSS_SELECTOR, css)
            return next((one for one in elements if one.is_displayed() and text in one.text), None)

        shown = f"{css} with {text!r}"
        waiting = WebDriverWait(self.driver, within_s, 0.05, _VANISHING)
        element = waiting.until(found, f"there is no {shown}")
        assert element is not None
        return element

    def none(self, css: str) -> bool:
        """Returns whether nothing is shown that fits."""
        shown = self.driver.find_elements(By.CSS_SELECTOR, css)
        return not any(one.is_displayed() for one in shown)

    def write(self, css: str, text: str) -> None:
        """Replaces what a field has."""
        element = self.one(css)
        element.clear()
        element.send_keys(text)

    def ask(self, question: str) -> None:
        """Asks a question."""
        self.write("#question textarea", question)
        self.one("#ask").click()

    def complaints(self) -> list[str]:
        """Returns what the browser's console says of broken rules, errors and missing files."""
        return [str(entry["message"]) for entry in self._log("browser")]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        """Returns what is new in a log of the browser's."""
        entries: list[dict[str, Any]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call]
        return entries

    def hosts(self) -> set[str]:
        """Returns where requests went since the page was opened, addresses of data left out."""
        sent = (json.loads(entry["message"])["message"] for entry in self._log("performance"))
        urls = [
            one["params"]["request"]["url"]
            for one in sent
            if one["method"] == "Network.requestWillBeSent"
        ]
        return {"/".join(url.split("/")[:3]) for url in urls if not url.startswith("data:")}


@pytest.fixture(scope="session")
def chromium() -> Iterator[webdriver.Chrome]:
    programs = find_programs(None, None)
    options = webdriver.ChromeOptions()
    options.binary_location = str(programs.browser)
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1440,1000",
        "--no-proxy-server",
        "--disable-background-networking",
        "--disable-component-update",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(programs.driver)))
    yield driver
    driver.quit()


@pytest.fixture
def reader(chromium: webdriver.Chrome, house: House) -> Reader:
    someone = Reader(chromium)
    someone.visit(house)
    return someone
