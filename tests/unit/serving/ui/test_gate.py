"""The gate before Gradio: what passes, and what every response says."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from llm_engineering.serving.ui import gate
from llm_engineering.serving.ui.actions import Actions
from llm_engineering.serving.ui.gate import Gate, policy
from tests.unit.serving.oracle import client
from tests.unit.serving.ui.test_actions import actions

_DOCUMENT = (
    '<html><head><base href="./" /><meta\n property="og:image" content="https://a.invalid/x" />'
    '<meta name="twitter:card" content="x" /><meta charset="utf-8" />'
    '<link rel="manifest" href="/manifest.json" /></head>'
    '<body><script>one()</script><script src="assets/x.js"></script></body></html>'
)


class StandIn:
    """Counts how often it was made and begun, in place of Gradio's application."""

    def __init__(self) -> None:
        self.made = 0
        self.begun = 0
        self.paths: list[str] = []

    async def make(self, _: Actions) -> FastAPI:
        self.made += 1
        await asyncio.sleep(0)
        app = FastAPI(lifespan=self._lifespan)

        @app.api_route("/ui/{path:path}", methods=["GET", "POST"])
        async def everything(path: str) -> HTMLResponse:
            self.paths.append(path)
            return HTMLResponse(_DOCUMENT, headers={"Content-Security-Policy": "its own"})

        return app

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        self.begun += 1
        yield


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    made = StandIn()
    monkeypatch.setattr(gate, "_gradio_app", made.make)
    return made


@pytest.fixture
def visitor(stand_in: StandIn) -> TestClient:
    app = FastAPI()
    app.mount("/ui", Gate(actions()))
    return TestClient(app)


def test_the_page_is_made_at_the_first_visit_and_once(
    visitor: TestClient, stand_in: StandIn
) -> None:
    assert (stand_in.made, stand_in.begun) == (0, 0)
    for _ in range(3):
        assert visitor.get("/ui").status_code == 200
    assert (stand_in.made, stand_in.begun) == (1, 1)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/assets/index-1.js",
        "/static/fonts/x.woff2",
        "/theme.css",
        "/gradio_api/theme.css",
        "/config",
        "/gradio_api/queue/join",
        "/gradio_api/queue/data",
        "/gradio_api/cancel",
        "/gradio_api/startup-events",
    ],
)
def test_what_the_page_needs_passes(visitor: TestClient, stand_in: StandIn, path: str) -> None:
    assert visitor.get(f"/ui{path}").status_code == 200
    assert stand_in.paths == [path.removeprefix("/")]


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/proxy=https://example.org",
        "/gradio_api/run/predict",
        "/gradio_api/call/ask",
        "/gradio_api/info",
        "/gradio_api/openapi.json",
        "/gradio_api/component_server",
        "/gradio_api/heartbeat/abc123",
        "/monitoring",
        "/login",
        "/manifest.json",
    ],
)
def test_nothing_else_of_gradio_can_be_reached(
    visitor: TestClient, stand_in: StandIn, path: str
) -> None:
    assert visitor.post(f"/ui{path}").status_code == 404
    assert (stand_in.made, stand_in.paths) == (0, [])


def test_scripts_carry_the_nonce_of_their_page_alone(visitor: TestClient) -> None:
    nonces = set()
    for _ in range(2):
        page = visitor.get("/ui/")
        (nonce,) = set(re.findall(r"'nonce-([^']+)'", page.headers["content-security-policy"]))
        assert page.text.count(f'<script nonce="{nonce}"') == page.text.count("<script") == 2
        nonces.add(nonce)
    assert len(nonces) == 2


def test_the_page_has_no_foreign_parts(visitor: TestClient) -> None:
    page = visitor.get("/ui/")
    assert "a.invalid" not in page.text
    assert "<base" not in page.text
    assert "manifest" not in page.text
    assert '<meta charset="utf-8" />' in page.text
    assert '<link rel="icon" href="data:' in page.text
    assert page.headers["content-length"] == str(len(page.content))
    assert page.headers["cache-control"] == "no-store"


def test_the_policy_allows_no_other_host_and_no_scripts_in_markup() -> None:
    rules = dict(rule.split(" ", 1) for rule in policy("n").split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert rules["img-src"] == "'self' data:"
    assert "'unsafe-inline'" not in rules["script-src"]
    assert not re.search(r"https?:|\*", policy("n"))


def test_every_response_is_guarded(visitor: TestClient) -> None:
    for path in ("/", "/assets/x.js", "/gradio_api/queue/data"):
        headers = visitor.get(f"/ui{path}").headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_the_application_has_the_page(stand_in: StandIn) -> None:
    assert "<script nonce=" in client().get("/ui").text
