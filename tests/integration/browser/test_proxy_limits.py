"""What passes the proxy and what does not: bodies, interim answers, slow and greedy ends."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.browser.proxy import FilteringProxy, ProxyLimits

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Serve = Callable[[socket.socket], None]


class Upstream:
    """A server of one behaviour; `heads` keeps what came before the first empty line."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []


@contextmanager
def upstream(
    reply: bytes = OK, *, body_bytes: int = 0, silent_s: float = 0.0
) -> Iterator[Upstream]:
    """Serves connections: reads a head and a body, waits, replies and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen = Upstream(listener.getsockname()[1])

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(10)
            got = b""
            while b"\r\n\r\n" not in got:
                if not (piece := connection.recv(65_536)):
                    return
                got += piece
            head, _, body = got.partition(b"\r\n\r\n")
            while len(body) < body_bytes:
                if not (piece := connection.recv(65_536)):
                    return
                body += piece
            seen.heads.append(head)
            seen.bodies.append(body)
            time.sleep(silent_s)
            connection.sendall(reply)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield seen
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)


def loopback(host: str, port: int) -> Sequence[str]:
    if host == "refused.test":
        raise FetchError(host, "refused by the test")
    return ["127.0.0.1"]


@pytest.fixture
def proxy() -> Iterator[FilteringProxy]:
    with FilteringProxy(loopback) as running:
        yield running


def connected(proxy: FilteringProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def rest_of(connection: socket.socket) -> bytes:
    answer = b""
    while piece := connection.recv(65_536):
        answer += piece
    return answer


def said(proxy: FilteringProxy, request: bytes) -> bytes:
    with connected(proxy) as connection:
        connection.sendall(request)
        return rest_of(connection)


def is_hung_up_on(proxy: FilteringProxy, request: bytes) -> bool:
    try:
        return said(proxy, request) == b""
    except ConnectionError:  # before it had read what was sent
        return True


def request(site: Upstream, method: str = "GET", more: str = "", body: bytes = b"") -> bytes:
    head = f"{method} http://good.test:{site.port}/x?q=1 HTTP/1.1\r\nHost: good.test\r\n{more}\r\n"
    return head.encode() + body


def test_a_body_is_passed_on_whole(proxy: FilteringProxy) -> None:
    body = bytes(range(256)) * 1_000
    with upstream(body_bytes=len(body)) as site:
        more = f"Content-Length: {len(body)}\r\n"
        assert said(proxy, request(site, "POST", more, body)).endswith(b"ok")
        assert site.bodies == [body]


def test_the_server_is_asked_for_a_path_and_told_nothing_of_the_proxy(
    proxy: FilteringProxy,
) -> None:
    more = "Proxy-Authorization: Basic made-up\r\nProxy-Connection: keep-alive\r\nX-Own: 1\r\n"
    with upstream() as site:
        said(proxy, request(site, more=more))
        (head,) = site.heads
    first, *fields = head.split(b"\r\n")
    assert first == b"GET /x?q=1 HTTP/1.1"
    assert b"X-Own: 1" in fields
    assert b"Connection: close" in fields
    assert b"roxy" not in head


@pytest.mark.parametrize(
    "more",
    [
        "Transfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: many\r\n",
        "Content-Length: -1\r\n",
    ],
)
def test_a_body_of_unknown_length_reaches_no_server(proxy: FilteringProxy, more: str) -> None:
    with upstream() as site:
        assert said(proxy, request(site, "POST", more, b"12345")) == b""
        assert site.heads == []


def test_interim_answers_are_not_passed_on(proxy: FilteringProxy) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    with upstream(interim + OK) as site:
        answer = said(proxy, request(site))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"103" not in answer


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad field\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_not_passed_on(proxy: FilteringProxy, reply: bytes) -> None:
    with upstream(reply) as site:
        assert said(proxy, request(site)) == b""


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    with upstream() as site, FilteringProxy(lambda *_: ["127.0.0.2", "127.0.0.1"]) as proxy:
        with socket.socket() as taken:  # nobody listens there
            taken.bind(("127.0.0.2", 0))
            assert said(proxy, request(site)).endswith(b"ok")
        assert proxy.refusals == {}


def test_a_host_that_does_not_answer_may_come_back(proxy: FilteringProxy) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        site = Upstream(taken.getsockname()[1])
        assert said(proxy, request(site)) == b""
    refusal = proxy.refusals["good.test", site.port]
    assert (refusal.reason, refusal.transient) == ("the host does not answer", True)


def test_a_head_that_never_ends_is_given_up() -> None:
    with FilteringProxy(loopback, ProxyLimits(head_timeout_s=0.2)) as proxy:
        with connected(proxy) as connection:
            connection.sendall(b"GET http://good.test/ HTTP/1.1\r\nX-Slow: ")
            began = time.monotonic()
            assert rest_of(connection) == b""
        assert time.monotonic() - began < 5


def test_a_connection_that_lasts_too_long_is_cut() -> None:
    limits = ProxyLimits(connection_timeout_s=0.3)
    with upstream(silent_s=5) as site, FilteringProxy(loopback, limits) as proxy:
        began = time.monotonic()
        assert said(proxy, request(site)) == b""
        assert time.monotonic() - began < 4


def test_connections_beyond_the_limit_are_hung_up_on_and_their_places_come_back() -> None:
    with upstream() as site, FilteringProxy(loopback, ProxyLimits(max_connections=2)) as proxy:
        with ExitStack() as stack:
            open_ones = [stack.enter_context(connected(proxy)) for _ in range(2)]
            for one in open_ones:  # they have been accepted when they are read from
                one.sendall(b"GET http")
            time.sleep(0.2)
            assert is_hung_up_on(proxy, request(site))
        deadline = time.monotonic() + 10
        while is_hung_up_on(proxy, request(site)):
            assert time.monotonic() < deadline


def test_bytes_of_requests_count_too() -> None:
    body = b"x" * 50_000
    with (
        upstream(body_bytes=len(body)) as site,
        FilteringProxy(loopback, ProxyLimits(max_bytes=10_000)) as proxy,
    ):
        more = f"Content-Length: {len(body)}\r\n"
        began = time.monotonic()
        assert is_hung_up_on(proxy, request(site, "POST", more, body))
        assert time.monotonic() - began < 5, "nobody waits for an answer to half a request"
        assert proxy.exhausted
        assert is_hung_up_on(proxy, request(site))
        assert "larger than 10,000 bytes" in proxy.refusals["good.test", site.port].reason


def test_many_connections_do_not_mix() -> None:
    with ExitStack() as stack:
        proxy = stack.enter_context(FilteringProxy(loopback))
        replies = [f"answer {number}".encode() * 500 for number in range(6)]
        sites = [
            stack.enter_context(
                upstream(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
            )
            for text in replies
        ]
        heard: dict[int, bytes] = {}

        def ask(number: int) -> None:
            heard[number] = said(proxy, request(sites[number]))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert all(heard[number].endswith(text) for number, text in enumerate(replies))


def test_closing_cuts_what_is_open_and_is_allowed_twice() -> None:
    proxy = FilteringProxy(loopback)
    proxy.start()
    with upstream(silent_s=30) as site, connected(proxy) as connection:
        connection.sendall(request(site))
        deadline = time.monotonic() + 10
        while not site.heads:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        began = time.monotonic()
        proxy.close()
        assert rest_of(connection) == b""
        assert time.monotonic() - began < 5
    proxy.close()
    with pytest.raises(ConnectionRefusedError):
        connected(proxy)
