"""The proxy by itself, spoken to over its socket."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.browser.proxy import FilteringProxy, ProxyLimits
from tests.integration.browser.victim import listening_victim
from tests.integration.crawlers.local_site import LocalSite


def loopback_named_good(host: str, port: int) -> Sequence[str]:
    if host != "good.test":
        raise FetchError(host, "refused by the test")
    return ["127.0.0.1"]


@pytest.fixture
def proxy() -> Iterator[FilteringProxy]:
    with FilteringProxy(loopback_named_good, ProxyLimits(max_bytes=200_000)) as running:
        yield running


def said(proxy: FilteringProxy, *requests: str) -> bytes:
    """Sends the requests at once and returns everything that comes back."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection:
        connection.sendall("".join(requests).encode())
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        return answer


def get(site: LocalSite, path: str, host: str = "good.test") -> str:
    port = site.host.partition(":")[2]
    return f"GET http://{host}:{port}{path} HTTP/1.1\r\nHost: {host}\r\n\r\n"


def test_an_allowed_host_is_reached(proxy: FilteringProxy, site: LocalSite) -> None:
    site.add("/", "hello")
    answer = said(proxy, get(site, "/"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"hello")
    assert b"Connection: close" in answer


def test_a_connection_serves_one_request(proxy: FilteringProxy, site: LocalSite) -> None:
    site.add("/", "hello")
    answer = said(proxy, get(site, "/"), get(site, "/second"))
    assert answer.count(b"HTTP/1.1 200") == 1
    assert site.hits["/second"] == 0


def test_a_refused_host_gets_no_answer_and_the_reason_is_kept(
    proxy: FilteringProxy, site: LocalSite
) -> None:
    port = int(site.host.partition(":")[2])
    assert said(proxy, get(site, "/", host="bad.test")) == b""
    assert said(proxy, f"CONNECT bad.test:{port} HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 403")
    assert proxy.refusals["bad.test", port].reason == "refused by the test"
    assert site.connections == 0
    proxy.reset()
    assert proxy.refusals == {}


def test_a_tunnel_goes_to_the_checked_address(proxy: FilteringProxy, site: LocalSite) -> None:
    site.add("/", "hello")
    port = site.host.partition(":")[2]
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection:
        connection.sendall(f"CONNECT good.test:{port} HTTP/1.1\r\n\r\n".encode())
        assert connection.recv(1_000) == b"HTTP/1.1 200 Connection established\r\n\r\n"
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    assert answer.endswith(b"hello")


def test_bytes_are_bounded(proxy: FilteringProxy, site: LocalSite) -> None:
    site.add("/long", b"x" * 2_000_000)
    assert len(said(proxy, get(site, "/long"))) < 300_000
    assert proxy.exhausted
    assert said(proxy, get(site, "/long")) == b"", "nothing more for this page"
    proxy.reset()
    assert not proxy.exhausted


def test_its_own_port_and_the_drivers_are_closed(proxy: FilteringProxy) -> None:
    with listening_victim() as victim:
        proxy.close_port(victim.port)
        for port in (victim.port, proxy.port):
            request = f"CONNECT good.test:{port} HTTP/1.1\r\n\r\n"
            assert said(proxy, request).startswith(b"HTTP/1.1 403")
            assert "belongs to the browser" in proxy.refusals["good.test", port].reason
        assert victim.hits == []


@pytest.mark.parametrize("noise", ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\r\n\r\n", "x" * 400_000])
def test_what_is_no_request_is_hung_up_on(proxy: FilteringProxy, noise: str) -> None:
    with suppress(ConnectionError):  # hung up before it had read all of it
        assert said(proxy, noise) == b""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can speak as another user")
def test_another_user_gets_nothing(proxy: FilteringProxy, site: LocalSite) -> None:
    site.add("/", "hello")
    child = os.fork()
    if child == 0:  # in the child: no test framework, one exit status
        os.setuid(65_534)
        try:
            os._exit(0 if said(proxy, get(site, "/")) == b"" else 1)
        except ConnectionError:
            os._exit(0)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert site.connections == 0
