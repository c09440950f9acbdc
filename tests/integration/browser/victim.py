"""A server on loopback that nobody may reach: it counts every connection and every datagram."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


class Victim:
    """Listens by TCP and UDP, IPv4 and IPv6, on one port number."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.hits: list[str] = []


@contextmanager
def listening_victim() -> Iterator[Victim]:
    """Counts what comes for the length of a block."""
    with ExitStack() as stack:
        first = stack.enter_context(_socket(socket.AF_INET, socket.SOCK_STREAM, 0))
        victim = Victim(first.getsockname()[1])
        rest = [
            stack.enter_context(_socket(family, kind, victim.port))
            for family, kind in (
                (socket.AF_INET, socket.SOCK_DGRAM),
                (socket.AF_INET6, socket.SOCK_STREAM),
                (socket.AF_INET6, socket.SOCK_DGRAM),
            )
        ]
        stop, stopping = socket.socketpair()
        stack.enter_context(stop)
        thread = threading.Thread(target=_count, args=(victim, [first, *rest], stop))
        thread.start()
        try:
            yield victim
        finally:
            stopping.close()
            thread.join()


def _socket(family: socket.AddressFamily, kind: socket.SocketKind, port: int) -> socket.socket:
    made = socket.socket(family, kind)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.bind(("127.0.0.1" if family == socket.AF_INET else "::1", port))
    if kind == socket.SOCK_STREAM:
        made.listen()
    return made


def _count(victim: Victim, sockets: list[socket.socket], stop: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        for each in (*sockets, stop):
            selector.register(each, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                if ready is stop:
                    return
                kind = f"{ready.family.name} {ready.type.name}"
                if ready.type == socket.SOCK_STREAM:
                    connection, _ = ready.accept()
                    connection.close()
                else:
                    ready.recvfrom(65_536)
                victim.hits.append(kind)
