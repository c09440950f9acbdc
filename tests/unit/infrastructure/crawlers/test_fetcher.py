"""One fetch from a scripted web: what is sent, what each answer means, how long is waited."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import httpx
import pytest

from llm_engineering.application.ports.crawling import Validators
from llm_engineering.domain.errors import FetchError, PageGone
from llm_engineering.infrastructure.crawlers.fetcher import HTML_TYPES, XML_TYPES
from tests.unit.infrastructure.crawlers.scripted_fetches import (
    HTML,
    PAGE,
    Stream,
    Web,
    answer,
    redirect,
)


def test_what_is_asked_says_who_asks_and_what_is_read() -> None:
    web = Web(answer())
    web.fetch(content_types=XML_TYPES | HTML_TYPES)
    (request,) = web.asked
    assert request.method == "GET"
    assert request.headers["user-agent"].startswith("llm-pipeline-system/")
    assert request.headers["accept"].startswith("application/gzip, application/x-gzip, ")
    assert request.headers["accept"].endswith(", */*;q=0.1")
    assert {"if-none-match", "if-modified-since", "authorization"}.isdisjoint(request.headers)


def test_user_name_password_and_fragment_are_not_sent() -> None:
    web = Web().at("https://sky.example/", answer())
    web.fetch("https://ada:made-up@sky.example/#part")
    assert str(web.asked[0].url) == "https://sky.example/"
    assert "authorization" not in web.asked[0].headers


@pytest.mark.parametrize(
    ("validators", "sent"),
    [
        (Validators(etag='"a"'), {"if-none-match": '"a"'}),
        (Validators(last_modified="Sun"), {"if-modified-since": "Sun"}),
        (
            Validators(etag='W/"b"', last_modified="Mon", body_hash="c"),
            {"if-none-match": 'W/"b"', "if-modified-since": "Mon"},
        ),
    ],
)
def test_what_is_known_of_a_page_is_sent_along(
    validators: Validators, sent: Mapping[str, str]
) -> None:
    web = Web(answer(304, b"", etag='"a"'))
    response = web.fetcher.fetch(PAGE, validators=validators)
    assert response.unchanged
    assert (response.body, response.url) == (b"", PAGE)
    names = ("if-none-match", "if-modified-since")
    headers = web.asked[0].headers
    assert {name: headers[name] for name in names if name in headers} == sent


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"etag": '"x"', "last_modified": "Sun"}, ('"x"', "Sun")),
        ({}, (None, None)),
        ({"etag": '"h\u00f6he"'}, (None, None)),
        ({"etag": '"tab\there"', "last_modified": "Sun"}, (None, "Sun")),
    ],
)
def test_what_a_server_says_of_its_version_is_kept_if_it_can_be_sent_back(
    told: Mapping[str, str], kept: tuple[str | None, str | None]
) -> None:
    web = Web(
        httpx.Response(
            200,
            headers=[(n.replace("_", "-").encode(), v.encode("latin-1")) for n, v in told.items()],
            stream=Stream([b"x"]),
        )
    )
    found = web.fetcher.fetch(PAGE).validators
    assert (found.etag, found.last_modified) == kept


# --- redirects


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/other", "/other"),
        ("other", "/other"),
        ("?q=1", "/page"),
        ("//sky.example/other", "/other"),
        ("https://sky.example/other#part", "/other"),
        ("../other", "/other"),
    ],
)
def test_a_redirect_may_be_relative(location: str, path: str) -> None:
    web = Web(redirect(location))
    web.at("https://sky.example/other", answer()).at("https://sky.example/page?q=1", answer())
    assert httpx.URL(web.fetcher.fetch(PAGE).url).path == path


def test_a_key_goes_to_the_first_address_alone_and_validators_along() -> None:
    web = Web(redirect("/other")).at("https://sky.example/other", answer())
    web.fetcher.fetch(PAGE, authorization="Bearer made-up", validators=Validators(etag='"a"'))
    first, second = (request.headers for request in web.asked)
    assert first["authorization"] == "Bearer made-up"
    assert "authorization" not in second, "not even on the same host"
    assert first["if-none-match"] == second["if-none-match"] == '"a"'


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://[oops/", "redirected to what is no URL"),
        ("https://sky.example:port/", "Invalid URL in location header"),
        ("ftp://sky.example/", r"allowed: http and https"),
        ("javascript:alert(1)", "For absolute URLs|allowed: http and https"),
        ("file:///etc/passwd", r"allowed: http and https"),
        ("http://", r"allowed: http and https"),
        (PAGE, "redirect loop"),
        ("#part", "redirect loop|more than 3 redirects"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_a_lasting_failure(location: str, reason: str) -> None:
    web = Web(redirect(location))
    assert not web.fails(reason).transient
    assert web.waits == []


def test_a_redirect_without_an_address_is_told_as_its_status() -> None:
    assert not Web(answer(302)).fails("HTTP 302 Found").transient


@pytest.mark.parametrize(("hops", "arrives"), [(3, True), (4, False)])
def test_redirects_are_counted(hops: int, arrives: bool) -> None:
    web = Web(redirect("/1"))
    for number in range(1, hops):
        web.at(f"https://sky.example/{number}", redirect(f"/{number + 1}"))
    web.at(f"https://sky.example/{hops}", answer())
    if arrives:
        web.fetch()
    else:
        assert not web.fails("more than 3 redirects").transient
    assert len(web.asked) == 4


# --- statuses


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_status_that_may_pass_is_asked_for_again(status: int) -> None:
    web = Web(answer(status), answer(status), answer())
    web.fetch()
    assert web.waits == [1.0, 2.0]
    assert Web(answer(status)).fails(f"HTTP {status}").transient


@pytest.mark.parametrize("status", [400, 401, 402, 403, 405, 406, 451, 501, 505, 999])
def test_a_status_that_lasts_is_not_asked_for_again(status: int) -> None:
    web = Web(answer(status))
    assert not web.fails(f"HTTP {status}").transient
    assert len(web.asked) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_not_there_is_gone(status: int) -> None:
    assert isinstance(Web(answer(status)).fails(), PageGone)
    assert not isinstance(Web(answer(403)).fails(), PageGone)


@pytest.mark.parametrize("status", [201, 202, 204, 206])
def test_another_success_is_no_page(status: int) -> None:
    assert not Web(answer(status)).fails(f"HTTP {status}").transient


@pytest.mark.parametrize(
    ("status", "left", "reset", "told"),
    [
        (403, "0", "1767225600", r"used up until 2026-01-01 00:00 UTC"),
        (429, "0", "1767225600", r"used up until 2026-01-01 00:00 UTC"),
        (403, "0", "soon", "used up until later"),
        (403, "0", "9" * 30, "used up until later"),
        (403, "0", "", "used up until later"),
    ],
)
def test_a_limit_that_is_used_up_passes_and_says_when(
    status: int, left: str, reset: str, told: str
) -> None:
    reply = answer(status, x_ratelimit_remaining=left, x_ratelimit_reset=reset)
    assert Web(reply).fails(told).transient


@pytest.mark.parametrize(("status", "left"), [(403, "12"), (403, ""), (404, "0"), (401, "0")])
def test_other_refusals_are_no_limit(status: int, left: str) -> None:
    failure = Web(answer(status, x_ratelimit_remaining=left)).fails(f"HTTP {status}")
    assert "used up" not in failure.reason
    assert not failure.transient


# --- waiting

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def http_date(seconds: int) -> str:
    return f"{datetime.fromtimestamp(NOON.timestamp() + seconds, UTC):%a, %d %b %Y %H:%M:%S GMT}"


@pytest.mark.parametrize(
    ("told", "waited"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": " 0 "}, 0.0),
        ({"retry_after": http_date(20), "date": http_date(0)}, 20.0),
        ({"retry_after": http_date(-20), "date": http_date(0)}, 0.0),
        ({"retry_after": http_date(20)}, 1.0),
        ({"retry_after": "soon", "date": http_date(0)}, 1.0),
        ({"retry_after": "-5"}, 1.0),
        ({"retry_after": "\u00b2"}, 1.0),
        ({}, 1.0),
    ],
    ids=["s", "none", "date", "past", "no clock", "words", "negative", "odd digit", "nothing"],
)
def test_a_server_may_say_how_long_to_wait(told: Mapping[str, str], waited: float) -> None:
    reply = httpx.Response(
        503, headers=[(n.replace("_", "-").encode(), v.encode("latin-1")) for n, v in told.items()]
    )
    web = Web(reply, answer())
    web.fetch()
    assert web.waits == [waited]


@pytest.mark.parametrize(("asked_s", "waits"), [("59", [59.0]), ("61", []), ("9" * 400, [])])
def test_a_wait_beyond_the_deadline_is_not_begun(asked_s: str, waits: list[float]) -> None:
    web = Web(answer(503, retry_after=asked_s), answer())
    if waits:
        web.fetch()
    else:
        assert web.fails("HTTP 503").transient
    assert web.waits == waits


def test_attempts_and_waits_share_one_deadline() -> None:
    web = Web(answer(503), each_takes_s=30.0)
    assert web.fails("HTTP 503").transient
    assert len(web.asked) == 2, "a third would begin after 63 seconds"


@pytest.mark.parametrize(
    ("error", "told", "attempts"),
    [
        (httpx.ConnectTimeout("slow"), "timed out", 3),
        (httpx.ReadTimeout("slow"), "timed out", 3),
        (httpx.ConnectError("Connection refused"), "Connection refused", 3),
        (httpx.ReadError(""), "ReadError", 3),
        (httpx.RemoteProtocolError("cut\r\noff"), "cut off", 3),
        (httpx.RemoteProtocolError("header line too long"), "too long", 1),
        (httpx.UnsupportedProtocol("what is that"), "what is that", 1),
        (FetchError("sky.example", "not a public address"), "not a public address", 1),
        (FetchError("sky.example", "not found", transient=True), "not found", 3),
    ],
)
def test_a_connection_that_fails_is_tried_again_where_that_may_help(
    error: Exception, told: str, attempts: int
) -> None:
    web = Web(error)
    assert web.fails(told).transient is (attempts > 1)
    assert len(web.asked) == attempts


def test_a_host_that_comes_back_is_read() -> None:
    web = Web(httpx.ConnectError("down"), answer(502), answer(body=b"up"))
    assert web.fetcher.fetch(PAGE).body == b"up"


# --- bodies


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        ("text/html", True),
        ("Text/HTML ; charset=latin-1", True),
        ("application/xhtml+xml", True),
        ("", True),
        ("text/htmlx", False),
        ("application/pdf", False),
        ("text/plain; text/html", False),
    ],
)
def test_the_content_type_decides_before_the_body_is_read(told: str, taken: bool) -> None:
    body = Stream([b"x"])
    web = Web(httpx.Response(200, headers={"content-type": told}, stream=body))
    if taken:
        assert web.fetcher.fetch(PAGE).body == b"x"
    else:
        assert not web.fails("content type .*, not application/xhtml.xml or text/html").transient
        assert body.read == 0


@pytest.mark.parametrize(("size", "fits"), [(0, True), (100, True), (101, False)])
def test_the_size_is_bounded_whether_it_is_declared_or_not(size: int, fits: bool) -> None:
    for declared in ({"content-length": str(size)}, {}):
        pieces = [b"x"] * size
        body = Stream(pieces)
        web = Web(httpx.Response(200, headers={**HTML, **declared}, stream=body))
        if fits:
            assert len(web.fetcher.fetch(PAGE).body) == size
        else:
            assert not web.fails("larger than 100 bytes").transient
            assert body.read == (0 if declared else 101)


@pytest.mark.parametrize("declared", ["many", "-1", "\u00b2", "1e9", ""])
def test_a_length_that_is_no_number_is_not_believed(declared: str) -> None:
    headers = [(b"content-length", declared.encode("latin-1"))]
    web = Web(httpx.Response(200, headers=headers, stream=Stream([b"body"])))
    assert web.fetcher.fetch(PAGE).body == b"body"


def test_a_body_that_drips_meets_the_deadline() -> None:
    web = Web()

    class Dripping(Stream):
        def __iter__(self) -> Iterator[bytes]:
            for piece in super().__iter__():
                web.now_s += 25
                yield piece

    web.at(PAGE, lambda _: httpx.Response(200, headers=HTML, stream=Dripping([b"x"] * 9)))
    assert web.fails("took longer than 60 s").transient
    assert len(web.asked) == 1


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, br"])
def test_a_coding_that_was_not_asked_for_is_refused(coding: str) -> None:
    assert not Web(answer(content_encoding=coding)).fails("br|zstd|compress").transient


def test_reason_phrases_of_a_hostile_server_are_one_line() -> None:
    reply = httpx.Response(400, extensions={"reason_phrase": b"No\x0bway\x1c here"})
    assert Web(reply).fails("HTTP 400").reason == "HTTP 400 No way here"
