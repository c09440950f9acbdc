"""An HTTP server on loopback that answers as it is told, and records what it was asked."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One answer; `cut` announces more bytes than it sends, and hangs up."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    cut: bool = False

    @classmethod
    def json(cls, content: object, status: int = 200) -> "Reply":
        """Returns a JSON answer."""
        return cls(json.dumps(content).encode(), status)

    @classmethod
    def events(cls, contents: Sequence[object], *, cut: bool = False) -> "Reply":
        """Returns a stream of server-sent events."""
        lines = [f"data: {json.dumps(content)}\n\n" for content in contents]
        end = "" if cut else "data: [DONE]\n\n"
        return cls(("".join(lines) + end).encode(), 200, "text/event-stream", cut)


@dataclass
class ScriptedProvider:
    """Where the server listens, its replies in order (the last one repeats), and the requests."""

    replies: list[Reply]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextmanager
def scripted_provider(*replies: Reply) -> Iterator[ScriptedProvider]:
    """Serves the replies while the block lasts."""
    provider = ScriptedProvider(list(replies))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            provider.requests.append(json.loads(self.rfile.read(length)))
            provider.paths.append(self.path)
            reply = provider.replies[min(len(provider.requests), len(provider.replies)) - 1]
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body) + (100 if reply.cut else 0)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = reply.cut

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
