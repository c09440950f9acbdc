"""Loopback servers that are told what a service does: an OTLP collector, a ClearML that hangs."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Received

from tests.loopback import QuietHandler, listening


@dataclass
class Collector:
    """What a loopback collector was sent."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    keys: set[str | None] = field(default_factory=set)
    services: set[str] = field(default_factory=set)

    @property
    def spans(self) -> list[Received]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        sent = [one for request in requests for one in request.resource_spans]
        self.services |= {
            attribute.value.string_value
            for one in sent
            for attribute in one.resource.attributes
            if attribute.key == "service.name"
        }
        return [span for one in sent for scope in one.scope_spans for span in scope.spans]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Yields a collector that listens on loopback."""
    seen = Collector()

    class Handler(QuietHandler):
        def answer(self) -> None:
            seen.paths.add(self.path)
            seen.keys.add(self.headers["x-key"])
            seen.bodies.append(self.body())
            self.reply(200)

    with listening(Handler) as seen.url:
        yield seen


@contextmanager
def hanging_clearml() -> Iterator[str]:
    """Yields the URL of a server that answers the probe, and then nothing any more."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept = list[socket.socket]()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            kept.append(connection)
            if connection.recv(4096).startswith(b"GET /debug.ping"):
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for connection in kept:
        connection.close()
