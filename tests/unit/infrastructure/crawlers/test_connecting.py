"""Connections to checked addresses alone, and waits that end with the page's deadline."""

import ssl
import threading
from collections.abc import Iterable
from typing import Any

import httpcore
import pytest

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.connecting import (
    Deadlines,
    _BoundedStream,
    _CheckedBackend,
)

PUBLIC = ["93.184.215.14", "93.184.215.15", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Stream(httpcore.NetworkStream):
    """Keeps the timeouts that it was given."""

    def __init__(self) -> None:
        self.timeouts: list[float | None] = []
        self.closed = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.timeouts.append(timeout)
        return b"x" * max_bytes

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.timeouts.append(timeout)

    def close(self) -> None:
        self.closed = True

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        self.timeouts.append(timeout)
        return self

    def get_extra_info(self, info: str) -> Any:
        return info


class Sockets(httpcore.NetworkBackend):
    """Connects to nothing. `failures` are what addresses answer with; each try takes `takes_s`."""

    def __init__(self, clock: Clock, takes_s: float = 0.0, **failures: Exception) -> None:
        self.clock = clock
        self.takes_s = takes_s
        self.failures = failures
        self.tried: list[tuple[str, int, float | None]] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self.tried.append((host, port, timeout))
        self.clock.now_s += self.takes_s
        if failure := self.failures.get(f"at_{len(self.tried)}"):
            raise failure
        return Stream()


def backend(
    found: list[str], takes_s: float = 0.0, **failures: Exception
) -> tuple[_CheckedBackend, Sockets, Deadlines, Clock]:
    clock = Clock()
    deadlines = Deadlines(clock)
    made = _CheckedBackend(AddressPolicy(resolve=lambda *_: found), deadlines)
    made._sockets = sockets = Sockets(clock, takes_s, **failures)  # type: ignore[assignment]
    return made, sockets, deadlines, clock


@pytest.mark.parametrize(
    ("timeout", "left_s", "bounded"),
    [(10.0, 60.0, 10.0), (10.0, 4.0, 4.0), (None, 4.0, 4.0), (4.0, 4.0, 4.0)],
)
def test_a_wait_ends_with_the_deadline(
    timeout: float | None, left_s: float, bounded: float
) -> None:
    deadlines = Deadlines(Clock())
    with deadlines.until(100.0 + left_s):
        assert deadlines.bounded(timeout) == bounded


@pytest.mark.parametrize("timeout", [None, 0.0, 10.0])
def test_without_a_deadline_a_timeout_is_what_it_is(timeout: float | None) -> None:
    deadlines = Deadlines(Clock())
    assert deadlines.bounded(timeout) == timeout
    with deadlines.until(101.0):
        pass
    assert deadlines.bounded(timeout) == timeout, "it counts inside the block alone"


@pytest.mark.parametrize("left_s", [0.0, -1.0])
def test_nothing_is_waited_for_once_the_deadline_has_passed(left_s: float) -> None:
    deadlines = Deadlines(Clock())
    with deadlines.until(100.0 + left_s), pytest.raises(httpcore.ReadTimeout, match="deadline"):
        deadlines.bounded(10.0)


def test_an_error_in_the_block_ends_the_deadline_too() -> None:
    deadlines = Deadlines(Clock())
    with pytest.raises(KeyError), deadlines.until(101.0):
        raise KeyError
    assert deadlines.bounded(10.0) == 10.0


def test_each_thread_has_a_deadline_of_its_own() -> None:
    deadlines, seen = Deadlines(Clock()), list[float | None]()

    def other() -> None:
        seen.append(deadlines.bounded(50.0))
        with deadlines.until(130.0):
            seen.append(deadlines.bounded(50.0))

    with deadlines.until(105.0):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(10)
        assert deadlines.bounded(50.0) == 5.0
    assert seen == [50.0, 30.0]


def test_the_first_address_that_answers_is_taken() -> None:
    made, sockets, _, _ = backend(PUBLIC, at_1=httpcore.ConnectError("refused"))
    stream = made.connect_tcp("sky.example", 443, 5.0)
    assert isinstance(stream, _BoundedStream)
    assert sockets.tried == [(PUBLIC[0], 443, 5.0), (PUBLIC[1], 443, 5.0)]


def test_when_none_answers_the_last_reason_is_told() -> None:
    made, sockets, _, _ = backend(
        PUBLIC[:2], at_1=httpcore.ConnectTimeout("slow"), at_2=httpcore.ConnectError("refused")
    )
    with pytest.raises(httpcore.ConnectError, match="refused"):
        made.connect_tcp("sky.example", 443, 5.0)
    assert len(sockets.tried) == 2


def test_all_addresses_share_the_deadline_of_the_page() -> None:
    failures = {f"at_{n}": httpcore.ConnectTimeout("slow") for n in (1, 2, 3)}
    made, sockets, deadlines, clock = backend(PUBLIC, takes_s=4.0, **failures)
    with deadlines.until(clock.now_s + 7.0), pytest.raises(httpcore.ReadTimeout, match="deadline"):
        made.connect_tcp("sky.example", 443, 5.0)
    assert [timeout for _, _, timeout in sockets.tried] == [5.0, 3.0], "a third is not begun"


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254"])
def test_one_private_address_among_public_ones_is_enough_to_connect_to_none(inside: str) -> None:
    made, sockets, _, _ = backend([*PUBLIC, inside])
    with pytest.raises(FetchError, match="not a public address"):
        made.connect_tcp("rebind.example", 80, 5.0)
    assert sockets.tried == []


def test_an_error_that_is_no_failed_connection_is_not_passed_over() -> None:
    made, sockets, _, _ = backend(PUBLIC, at_1=OSError("no memory"))
    with pytest.raises(OSError, match="no memory"):
        made.connect_tcp("sky.example", 443, 5.0)
    assert len(sockets.tried) == 1


def test_reading_writing_and_tls_end_with_the_deadline() -> None:
    clock, inner = Clock(), Stream()
    deadlines = Deadlines(clock)
    stream = _BoundedStream(inner, deadlines)
    with deadlines.until(103.0):
        assert stream.read(2, 20.0) == b"xx"
        stream.write(b"y", 1.0)
        secured = stream.start_tls(ssl.create_default_context(), "sky.example", 20.0)
        secured.read(1, None)
    assert inner.timeouts == [3.0, 1.0, 3.0, 3.0], "also under TLS"
    assert stream.get_extra_info("socket") == "socket"
    stream.close()
    assert inner.closed
