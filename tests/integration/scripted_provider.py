"""An HTTP server on loopback that answers as it is told, and records what it was asked."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.loopback import QuietHandler, listening


@dataclass(frozen=True)
class Reply:
    """One answer.

    `cut` announces more bytes than it sends, and hangs up; `hangs` says nothing at all, and
    `stalls` nothing more after its body, until the provider ends.
    """

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    cut: bool = False
    hangs: bool = False
    stalls: bool = False
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def json(cls, content: object, status: int = 200) -> "Reply":
        """Returns a JSON answer."""
        return cls(json.dumps(content).encode(), status)

    @classmethod
    def events(cls, contents: Sequence[object], *, cut: bool = False) -> "Reply":
        """Returns a stream of server-sent events."""
        end = "" if cut else "data: [DONE]\n\n"
        lines = [f"data: {json.dumps(content)}\n\n" for content in contents]
        return cls(("".join(lines) + end).encode(), 200, "text/event-stream", cut)

    def with_header(self, name: str, value: str) -> "Reply":
        """Returns the same answer with one more header."""
        return replace(self, headers=(*self.headers, (name, value)))


@dataclass
class ScriptedProvider:
    """Where the server listens, its replies in order (the last one repeats), and the requests."""

    replies: list[Reply]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def scripted_provider(*replies: Reply) -> Iterator[ScriptedProvider]:
    """Serves the replies while the block lasts."""
    provider = ScriptedProvider(list(replies))

    class Handler(QuietHandler):
        def answer(self) -> None:
            provider.requests.append(json.loads(self.body()))
            provider.paths.append(self.path)
            reply = provider.replies[min(len(provider.requests), len(provider.replies)) - 1]
            if reply.hangs:
                provider.ended.wait(30)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            for name, value in reply.headers:
                self.send_header(name, value)
            more = 100 if reply.cut or reply.stalls else 0
            self.send_header("Content-Length", str(len(reply.body) + more))
            self.end_headers()
            self.wfile.write(reply.body)
            if reply.stalls:
                provider.ended.wait(30)
            self.close_connection = reply.cut or reply.stalls

    with listening(Handler) as provider.url:
        try:
            yield provider
        finally:
            provider.ended.set()
