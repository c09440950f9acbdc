"""What surrounds every request: its id, the count of its body's bytes, and the last resort."""

import logging
import re
from collections.abc import Callable
from time import perf_counter
from uuid import uuid4

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llm_engineering.serving.problems import Refusal, problem_response

_log = logging.getLogger(__name__)
_HEADER = b"x-request-id"
_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

Observer = Callable[[str, int, float], None]


class Envelope:
    """An ASGI application around another one.

    The id of a request is what X-Request-ID gives, if it has 8 to 64 letters, digits, dots, dashes
    and underscores; else a new one. Every response carries it.

    Args:
        app: the application inside.
        max_body_bytes: bytes that a body may have, however it is sent; more is refused with 413.
        observe: is told the route's path, the status and the seconds until the response was sent.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, observe: Observer) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._max_body_bytes)
        began = perf_counter()
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:
            if exchange.status:  # the response is under way: all that is left is to break it off
                raise
            await problem_response(error, exchange.request_id)(scope, receive, exchange.send)
        finally:
            path = getattr(scope.get("route"), "path", "") or "other"
            self._observe(path, exchange.status or 499, perf_counter() - began)


class _Exchange:
    """One request and its response, on their way through."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, max_body_bytes: int) -> None:
        given = Request(scope).headers.get(_HEADER.decode(), "")
        self.request_id = given if _WELL_FORMED.fullmatch(given) else uuid4().hex
        self.status = 0
        self._receive = receive
        self._send = send
        self._left = max_body_bytes
        scope.setdefault("state", {})["request_id"] = self.request_id

    async def receive(self) -> Message:
        """Returns the next message; refuses a body that has become too large."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise Refusal(413, headers={"Connection": "close"})
        return message

    async def send(self, message: Message) -> None:
        """Sends a message; the first one carries the id."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), (_HEADER, self.request_id.encode())]
            message = {**message, "headers": headers}
        await self._send(message)
