import dataclasses
import gzip
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler

import pytest

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy, Resolver, resolve_host
from llm_engineering.infrastructure.crawlers.fetcher import (
    TEXT_TYPES,
    USER_AGENT,
    Fetcher,
    FetchLimits,
)
from tests.integration.crawlers.local_site import Answer, LocalSite, answer, serve_site

LIMITS = FetchLimits(max_bytes=1_000_000, connect_timeout_s=1, read_timeout_s=0.4, deadline_s=20)


class Waits(list[float]):
    """Stands in for sleeping: remembers how long, and lets the clock go on by as much."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)

    def monotonic(self) -> float:
        return time.monotonic() + sum(self)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def fetcher(site: LocalSite, waits: Waits) -> Iterator[Fetcher]:
    policy = AddressPolicy(frozenset({site.host}))
    with Fetcher(
        policy, LIMITS, sleep=waits, monotonic=waits.monotonic, chance=lambda: 1.0
    ) as opened:
        yield opened


def always(*addresses: str) -> Resolver:
    def resolve(name: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


def silence(request: BaseHTTPRequestHandler) -> None:
    time.sleep(1)


def failure_of(fetcher: Fetcher, url: str) -> FetchError:
    with pytest.raises(FetchError) as raised:
        fetcher.fetch(url)
    assert raised.value.url == url
    assert "\n" not in str(raised.value)
    return raised.value


def test_a_page_comes_with_its_type_charset_and_address(site: LocalSite, fetcher: Fetcher) -> None:
    site.add("/a", "<p>Grüße")
    response = fetcher.fetch(f"{site.url}/a#part")
    assert (response.content_type, response.charset) == ("text/html", "utf-8")
    assert response.text == "<p>Grüße"
    assert response.url == f"{site.url}/a"
    assert site.agents == {USER_AGENT}


def test_connections_are_kept_alive(site: LocalSite, fetcher: Fetcher) -> None:
    site.add("/a", "x")
    for _ in range(5):
        fetcher.fetch(f"{site.url}/a")
    assert site.connections == 1


def test_cookies_are_not_kept(site: LocalSite, fetcher: Fetcher) -> None:
    site.add("/a", "x", Set_Cookie="visitor=7; Path=/")
    fetcher.fetch(f"{site.url}/a")
    fetcher.fetch(f"{site.url}/a")
    assert site.cookies == ["", ""]


def test_proxies_of_the_environment_are_not_used(
    site: LocalSite, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    site.add("/a", "direct")
    with Fetcher(AddressPolicy(frozenset({site.host})), LIMITS) as fresh:
        assert fresh.fetch(f"{site.url}/a").text == "direct"


def test_loopback_is_refused_unless_it_is_named(site: LocalSite) -> None:
    site.add("/a", "secret")
    with Fetcher(AddressPolicy(), LIMITS) as strict:
        error = failure_of(strict, f"{site.url}/a")
    assert "not a public address" in error.reason
    assert not error.transient
    assert not site.hits


def test_a_name_that_is_another_address_a_moment_later_is_resolved_once(site: LocalSite) -> None:
    answers = iter([["127.0.0.1"], ["10.255.255.1"]])

    def resolve(name: str, port: int) -> Sequence[str]:
        return next(answers)

    host = f"rebind.example:{site.host.partition(':')[2]}"
    policy = AddressPolicy(frozenset({host}), resolve)
    site.add("/a", "x")
    with Fetcher(policy, LIMITS) as fetcher:
        assert fetcher.fetch(f"http://{host}/a").text == "x"
    assert next(answers) == ["10.255.255.1"]


def test_a_host_that_resolves_to_loopback_is_refused(site: LocalSite) -> None:
    policy = AddressPolicy(frozenset(), always("127.0.0.1"))
    port = site.host.partition(":")[2]
    with Fetcher(policy, LIMITS) as fetcher:
        error = failure_of(fetcher, f"http://innocent.example:{port}/a")
    assert error.reason.startswith("innocent.example is 127.0.0.1: not a public address")
    assert not site.hits


def test_the_next_address_is_tried_when_one_does_not_answer(site: LocalSite) -> None:
    host = f"two.example:{site.host.partition(':')[2]}"
    policy = AddressPolicy(frozenset({host}), always("127.0.0.9", "127.0.0.1"))
    site.add("/a", "x")
    with Fetcher(policy, LIMITS) as fetcher:
        assert fetcher.fetch(f"http://{host}/a").text == "x"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(site: LocalSite, fetcher: Fetcher, status: int) -> None:
    site.redirect("/old", "/new?a=1", status)
    site.add("/new", "moved here")
    response = fetcher.fetch(f"{site.url}/old")
    assert (response.url, response.text) == (f"{site.url}/new?a=1", "moved here")


def test_a_redirect_to_an_address_that_is_not_allowed_is_refused(
    site: LocalSite, fetcher: Fetcher
) -> None:
    with serve_site() as victim:
        victim.add("/admin", "secret")
        site.redirect("/out", f"{victim.url}/admin")
        error = failure_of(fetcher, f"{site.url}/out")
        assert "not a public address" in error.reason
        assert not victim.hits


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x/", "http://"]
)
def test_a_redirect_to_another_scheme_is_refused(
    site: LocalSite, fetcher: Fetcher, to: str
) -> None:
    site.redirect("/out", to)
    assert failure_of(fetcher, f"{site.url}/out").transient is False


def test_a_redirect_loop_ends(site: LocalSite, fetcher: Fetcher) -> None:
    site.redirect("/a", "/b")
    site.redirect("/b", "/a")
    assert failure_of(fetcher, f"{site.url}/a").reason == "redirect loop"
    assert site.hits == {"/a": 1, "/b": 1}


def test_five_redirects_are_followed_and_a_sixth_is_not(site: LocalSite, fetcher: Fetcher) -> None:
    for step in range(6):
        site.redirect(f"/{step}", f"/{step + 1}")
    site.add("/6", "end")
    assert fetcher.fetch(f"{site.url}/1").text == "end"
    assert failure_of(fetcher, f"{site.url}/0").reason == "more than 5 redirects"


def test_a_missing_page_is_permanent(site: LocalSite, fetcher: Fetcher, waits: Waits) -> None:
    error = failure_of(fetcher, f"{site.url}/none")
    assert (error.reason, error.transient) == ("HTTP 404 Not Found", False)
    assert site.hits["/none"] == 1
    assert waits == []


def test_another_content_type_is_refused_before_its_body(site: LocalSite, fetcher: Fetcher) -> None:
    site.add("/logo", b"\x89PNG" * 10, Content_Type="image/png")
    assert "content type 'image/png', not" in failure_of(fetcher, f"{site.url}/logo").reason
    site.add("/robots.txt", "x", Content_Type="text/plain")
    assert fetcher.fetch(f"{site.url}/robots.txt", TEXT_TYPES).text == "x"


def test_a_page_without_content_type_is_taken(site: LocalSite, fetcher: Fetcher) -> None:
    site.add("/a", "<p>x", Content_Type="")
    assert fetcher.fetch(f"{site.url}/a").text == "<p>x"


def megabytes(count: int, sent: list[int]) -> Answer:
    def stream(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/html")
        request.send_header("Connection", "close")
        request.end_headers()
        for _ in range(count):
            request.wfile.write(b"x" * 1_000_000)
            sent.append(1)

    return stream


def test_a_60_mb_page_is_left_early(site: LocalSite, fetcher: Fetcher) -> None:
    sent: list[int] = []
    site.pages["/big"] = megabytes(60, sent)
    error = failure_of(fetcher, f"{site.url}/big")
    assert (error.reason, error.transient) == ("larger than 1,000,000 bytes", False)
    assert len(sent) < 30  # what fits into socket buffers, not the whole page


def test_a_declared_length_is_believed_when_it_is_too_large(
    site: LocalSite, fetcher: Fetcher
) -> None:
    site.add("/big", "x", Content_Length="60000000", Connection="close")
    assert failure_of(fetcher, f"{site.url}/big").reason == "larger than 1,000,000 bytes"


def test_a_gzip_bomb_ends_with_bounded_memory(site: LocalSite, fetcher: Fetcher) -> None:
    bomb = gzip.compress(b"\0" * 60_000_000)
    site.add("/bomb", bomb, Content_Encoding="gzip")
    tracemalloc.start()
    try:
        assert failure_of(fetcher, f"{site.url}/bomb").reason == "larger than 1,000,000 bytes"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000, f"{len(bomb):,} bytes took {peak:,}"


def test_gzip_is_asked_for_and_undone(site: LocalSite, fetcher: Fetcher) -> None:
    site.add("/a", gzip.compress("Grüße".encode()), Content_Encoding="gzip")
    assert fetcher.fetch(f"{site.url}/a").text == "Grüße"
    site.add("/b", b"x", Content_Encoding="br")
    assert "unsupported content encoding 'br'" in failure_of(fetcher, f"{site.url}/b").reason


@pytest.mark.parametrize(
    ("body", "declared"),
    [
        ("“Grüße”".encode(), "text/html; charset=iso-8859-1"),
        ("“Grüße”".encode("cp1252"), "text/html; charset=windows-1252"),
        ("“Grüße”".encode("cp1252"), "text/html; charset=utf-8"),
        ("“Grüße”".encode("cp1252"), "text/html; charset=no-such"),
        ("“Grüße”".encode("cp1252"), "text/html"),
    ],
)
def test_wrong_and_missing_charsets(
    site: LocalSite, fetcher: Fetcher, body: bytes, declared: str
) -> None:
    site.add("/a", body, Content_Type=declared)
    assert fetcher.fetch(f"{site.url}/a").text == "“Grüße”"


def test_a_silent_host_times_out_and_is_tried_again(
    site: LocalSite, fetcher: Fetcher, waits: Waits
) -> None:
    site.pages["/slow"] = silence
    error = failure_of(fetcher, f"{site.url}/slow")
    assert (error.reason, error.transient) == ("timed out", True)
    assert site.hits["/slow"] == LIMITS.attempts
    assert waits == [0.5, 1.0]


def test_a_dripping_host_meets_the_deadline(site: LocalSite, waits: Waits) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/html")
        request.end_headers()
        for _ in range(100):
            request.wfile.write(b"x")
            time.sleep(0.05)

    site.pages["/drip"] = drip
    limits = FetchLimits(deadline_s=0.3, attempts=1)
    begun = time.monotonic()
    with Fetcher(AddressPolicy(frozenset({site.host})), limits, sleep=waits) as fetcher:
        assert failure_of(fetcher, f"{site.url}/drip").reason == "took longer than 0.3 s"
    assert time.monotonic() - begun < 2


def test_a_host_that_recovers_is_read(site: LocalSite, fetcher: Fetcher, waits: Waits) -> None:
    site.in_turn("/a", answer(b"", {}, 503), answer(b"", {}, 500), answer("up", {}))
    assert fetcher.fetch(f"{site.url}/a").text == "up"
    assert waits == [0.5, 1.0]


def test_retry_after_is_honoured(site: LocalSite, fetcher: Fetcher, waits: Waits) -> None:
    dated = {
        "Date": "Sun, 22 Nov 2026 10:00:00 GMT",
        "Retry_After": "Sun, 22 Nov 2026 10:00:07 GMT",
    }
    busy = [answer(b"", {"Retry_After": "3"}, 429), answer(b"", {"Retry_After": "0"}, 503)]
    site.in_turn("/a", *busy, answer("up", {}))
    assert fetcher.fetch(f"{site.url}/a").text == "up"
    assert waits == [3.0, 0.0]
    waits.clear()
    site.status("/b", 503, **dated)
    failure_of(fetcher, f"{site.url}/b")
    assert waits == [7.0, 7.0]


def test_a_retry_after_beyond_the_budget_is_not_waited_for(
    site: LocalSite, fetcher: Fetcher, waits: Waits
) -> None:
    site.status("/a", 429, Retry_After="3600")
    error = failure_of(fetcher, f"{site.url}/a")
    assert (error.reason, error.transient) == ("HTTP 429 Too Many Requests", True)
    assert waits == []


def test_all_attempts_and_waits_share_one_budget(site: LocalSite, waits: Waits) -> None:
    site.status("/a", 503, Retry_After="7")
    limits = dataclasses.replace(LIMITS, deadline_s=10)
    policy = AddressPolicy(frozenset({site.host}))
    with Fetcher(policy, limits, sleep=waits, monotonic=waits.monotonic) as fetcher:
        failure_of(fetcher, f"{site.url}/a")
    assert waits == [7.0], "another seven seconds are more than what is left"
    assert site.hits["/a"] == 2


@pytest.mark.parametrize(("chance", "expected"), [(0.0, [0.25, 0.5]), (0.5, [0.375, 0.75])])
def test_waits_are_drawn_by_chance(
    site: LocalSite, waits: Waits, chance: float, expected: list[float]
) -> None:
    site.status("/a", 503)
    policy = AddressPolicy(frozenset({site.host}))
    with Fetcher(policy, LIMITS, sleep=waits, chance=lambda: chance) as fetcher:
        failure_of(fetcher, f"{site.url}/a")
    assert waits == expected


def test_a_host_that_is_down_is_transient(waits: Waits) -> None:
    with serve_site() as gone:
        pass
    with Fetcher(AddressPolicy(frozenset({gone.host})), LIMITS, sleep=waits) as fetcher:
        error = failure_of(fetcher, f"{gone.url}/a")
    assert error.transient
    assert "refused" in error.reason


def test_plain_http_on_a_tls_address_is_permanent(site: LocalSite, fetcher: Fetcher) -> None:
    error = failure_of(fetcher, f"https://{site.host}/a")
    assert error.reason.startswith("TLS: ")
    assert not error.transient


@pytest.mark.parametrize(
    "url", ["ftp://example.org/a", "file:///etc/passwd", "http:///a", "http://[bad/", "nothing"]
)
def test_other_schemes_and_no_urls_are_refused(fetcher: Fetcher, url: str) -> None:
    assert failure_of(fetcher, url).transient is False


def test_the_host_behind_a_user_name_is_the_one_that_is_checked(site: LocalSite) -> None:
    port = site.host.partition(":")[2]
    with Fetcher(AddressPolicy(frozenset({"example.org"})), LIMITS) as fetcher:
        error = failure_of(fetcher, f"http://example.org@127.0.0.1:{port}/a")
    assert "127.0.0.1: not a public address" in error.reason
    assert not site.hits


def test_the_systems_resolver_gives_addresses() -> None:
    assert "127.0.0.1" in resolve_host("127.0.0.1", 80)
