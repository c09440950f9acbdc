"""The fetcher against hosts that mean harm: a victim on loopback never hears of us."""

import gzip
import re
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.fetcher import Fetcher, FetchLimits
from tests.integration.crawlers.local_site import LocalSite, serve_site

LIMITS = FetchLimits(
    max_bytes=5_000_000, connect_timeout_s=0.3, read_timeout_s=0.5, deadline_s=1, attempts=1
)
LOOPBACK = 0x7F000001
OTHER_DIGITS = [chr(0xFF10), chr(0x0660), chr(0x0966), chr(0x1D7CE)]  # where 0 to 9 begin


def in_bases(value: int) -> st.SearchStrategy[str]:
    """Spellings of a number that inet_aton takes."""
    return st.sampled_from(
        [f"{value}", f"{value:#x}", f"0{value:o}", f"0X{value:08X}", f"00{value:o}"]
    )


def inet_aton() -> st.SearchStrategy[str]:
    """127.0.0.1 in one to four numbers of any base."""
    parts = [(LOOPBACK,), (127, 1), (127, 0, 1), (127, 0, 0, 1)]
    return st.sampled_from(parts).flatmap(
        lambda numbers: st.tuples(*map(in_bases, numbers)).map(".".join)
    )


def in_ipv6() -> st.SearchStrategy[str]:
    """127.0.0.1 inside IPv6: mapped, compatible, translated, NAT64, 6to4, and ::1 itself."""
    inner = st.sampled_from(["7f00:1", "127.0.0.1", "7F00:0001"])
    prefixes = ["::ffff:", "::", "::ffff:0:", "64:ff9b::", "0:0:0:0:0:FFFF:", "64:ff9b:1::"]
    embedded = st.builds(lambda prefix, low: f"[{prefix}{low}]", st.sampled_from(prefixes), inner)
    return embedded | st.sampled_from(
        [
            "[2002:7f00:1::]",
            "[2002:7f00:0001::1]",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::]",
            "[::1%25lo]",
        ]
    )


@st.composite
def dressed(draw: st.DrawFn) -> str:
    """An address in other digits, other dots, with a dot behind, or percent signs."""
    host = draw(inet_aton())
    start = draw(st.sampled_from(["0", *OTHER_DIGITS]))
    host = "".join(
        chr(ord(start) + int(char)) if char.isdecimal() and draw(st.booleans()) else char
        for char in host
    )
    dot = draw(st.sampled_from([".", "\u3002", "\uff0e", "\uff61", "%2e"]))
    return host.replace(".", dot) + draw(st.sampled_from(["", ".", ".."]))


HOSTS = (
    inet_aton() | in_ipv6() | dressed() | st.sampled_from(["localhost", "LOCALHOST.", "0", "0.0"])
)
USERS = st.sampled_from(["", "example.org@", "example.org:80@", "example.org%2F@", "a:b@c@"])


@pytest.fixture(scope="module")
def victim() -> Iterator[LocalSite]:
    """A private service that must not be reached."""
    with serve_site() as running:
        running.add("/secret", "secret")
        yield running


@pytest.fixture(scope="module")
def bait() -> Iterator[LocalSite]:
    """A host that may be fetched from, and sends its visitors elsewhere."""
    with serve_site() as running:
        yield running


@pytest.fixture(scope="module")
def fetcher(bait: LocalSite) -> Iterator[Fetcher]:
    with Fetcher(AddressPolicy(frozenset({bait.host})), LIMITS) as opened:
        yield opened


@given(host=HOSTS, user=USERS)
def test_no_spelling_of_loopback_reaches_it(
    fetcher: Fetcher, victim: LocalSite, host: str, user: str
) -> None:
    port = victim.host.partition(":")[2]
    with pytest.raises(FetchError):
        fetcher.fetch(f"http://{user}{host}:{port}/secret")
    assert not victim.hits


@given(host=HOSTS, user=USERS)
def test_no_redirect_to_loopback_is_followed(
    fetcher: Fetcher, victim: LocalSite, bait: LocalSite, host: str, user: str
) -> None:
    port = victim.host.partition(":")[2]
    location = f"http://{user}{host}:{port}/secret".encode().decode("latin-1")
    bait.redirect("/r", location, 307)
    with pytest.raises(FetchError):
        fetcher.fetch(f"{bait.url}/r")
    assert not victim.hits


def test_a_name_that_changes_its_address_all_the_time_never_leads_to_loopback(
    victim: LocalSite,
) -> None:
    answers = cycle([["203.0.114.9"], ["127.0.0.1"], ["203.0.114.9", "127.0.0.1"]])

    def resolve(name: str, port: int) -> Sequence[str]:
        return next(answers)

    port = victim.host.partition(":")[2]
    with Fetcher(AddressPolicy(resolve=resolve), LIMITS) as fetcher:
        for _ in range(6):
            with pytest.raises(FetchError):
                fetcher.fetch(f"http://rebind.example:{port}/secret")
    assert not victim.hits


def fails_at(site: LocalSite, path: str, reason: str | None = None) -> FetchError:
    """Returns the error of fetching from a site that is allowed."""
    with (
        Fetcher(AddressPolicy(frozenset({site.host})), LIMITS) as fetcher,
        pytest.raises(FetchError, match=reason) as failed,
    ):
        fetcher.fetch(f"{site.url}{path}")
    return failed.value


def drip(request: BaseHTTPRequestHandler, start: bytes, more: bytes) -> None:
    request.wfile.write(start)
    for _ in range(200):
        request.wfile.write(more)
        request.wfile.flush()
        time.sleep(0.03)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Next: 1\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", b"x"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\nx\r\n",
        ),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_host_that_never_ends_its_answer_meets_the_deadline(
    site: LocalSite, start: bytes, more: bytes
) -> None:
    site.pages["/slow"] = lambda request: drip(request, start, more)
    begun = time.monotonic()
    assert fails_at(site, "/slow", "took longer than 1 s").transient
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("header", [b"X-Big: " + b"x" * 5_000_000, b"X-Many: 1\r\n" * 300_000])
def test_endless_headers_are_a_lasting_failure(site: LocalSite, header: bytes) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n" + header)
        request.close_connection = True

    site.pages["/big"] = answer
    error = fails_at(site, "/big")
    assert not error.transient, error.reason


def memory_of(field: str) -> int:
    """Returns a figure of this process's memory in bytes: VmRSS now, VmHWM at most."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def test_a_decompression_bomb_takes_a_bounded_part_of_memory(site: LocalSite) -> None:
    bomb = gzip.compress(bytes(300_000_000), 9)
    site.add("/bomb", bomb, Content_Encoding="gzip")
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew
    before = memory_of("VmRSS")
    fails_at(site, "/bomb", "larger than 5,000,000 bytes")
    assert memory_of("VmHWM") - before < 40_000_000
