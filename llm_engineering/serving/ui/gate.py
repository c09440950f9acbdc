"""The page under `/ui`: Gradio behind a gate that lets through what a reader needs, and no more."""

import asyncio
import re
from contextlib import AsyncExitStack
from secrets import token_urlsafe

from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llm_engineering.serving.ui.actions import Actions

PATH = "/ui"
_OPEN = re.compile(
    r"/|/(assets|static)/.+|(/gradio_api)?/theme\.css|/favicon\.ico|/config"
    r"|/gradio_api/(queue/(join|data)|cancel|startup-events)"
)
# what Gradio's template has for other sites, a file that only the root of a host can have, and a
# base that turns a link to a part of the page into one to another page
_FOREIGN = re.compile(
    r'<meta\s+(property|name)="(og|twitter):[^>]*>|<link rel="manifest"[^>]*>|<base [^>]*>'
)

_ICON = (
    '<link rel="icon" href="data:image/svg+xml,'
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Crect width='16' height='16' rx='4' fill='%230d9488'/%3E"
    "%3Cpath d='M4 5h8M4 8h8M4 11h5' stroke='white' stroke-width='1.5'/%3E%3C/svg%3E\">"
)


class Gate:
    """An ASGI application: the page, made at the first visit.

    Gradio takes seconds to import; a service that nobody looks at does without.
    """

    def __init__(self, actions: Actions) -> None:
        self._actions = actions
        self._gradio: ASGIApp | None = None
        self._lock = asyncio.Lock()
        self._open = AsyncExitStack()  # until the process ends

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        path = scope["path"].removeprefix(scope["root_path"])
        if scope["type"] != "http" or not _OPEN.fullmatch(path):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
            return
        gradio = await self._made()
        nonce = token_urlsafe(16)
        scope = {**scope, "root_path": scope["root_path"].removesuffix(PATH)}
        if path == "/":
            scope["headers"] = _uncompressed(scope["headers"])
            send = _Document(send, nonce).send
        await gradio(scope, receive, _guarded(send, nonce))

    async def _made(self) -> ASGIApp:
        async with self._lock:
            if self._gradio is None:
                made = await asyncio.to_thread(asyncio.run, _gradio_app(self._actions))
                await self._open.enter_async_context(made.router.lifespan_context(made))
                self._gradio = made
            return self._gradio


def policy(nonce: str) -> str:
    """Returns the Content-Security-Policy of the page.

    Nothing comes from, or goes to, another host. Scripts are our own files and those that carry the
    nonce, so what is smuggled into the page does not run. Gradio needs 'unsafe-eval' (its HTML
    component compiles its template, which is ours, in the browser) and inline styles.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _guarded(send: Send, nonce: str) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {
                b"content-security-policy": policy(nonce).encode(),
                b"x-content-type-options": b"nosniff",
                b"referrer-policy": b"no-referrer",
            }
            kept = [pair for pair in message["headers"] if pair[0].lower() not in ours]
            message = {**message, "headers": [*kept, *ours.items()]}
        await send(message)

    return guarded


class _Document:
    """Sends the HTML of the page once it is whole: without foreign parts, its scripts signed."""

    def __init__(self, send: Send, nonce: str) -> None:
        self._send = send
        self._nonce = nonce
        self._start: Message = {}
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        html = _FOREIGN.sub("", self._body.decode()).replace("</head>", f"{_ICON}</head>", 1)
        body = html.replace("<script", f'<script nonce="{self._nonce}"').encode()
        kept = [pair for pair in self._start["headers"] if pair[0].lower() != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        extra = [length, (b"cache-control", b"no-store")]
        await self._send({**self._start, "headers": [*kept, *extra]})
        await self._send({"type": "http.response.body", "body": body})


def _uncompressed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [pair for pair in headers if pair[0].lower() != b"accept-encoding"]


async def _gradio_app(actions: Actions) -> FastAPI:
    """Returns the application; where no event loop runs, Gradio would leave one behind."""
    from llm_engineering.serving.ui.page import gradio_app

    return gradio_app(actions, PATH)
