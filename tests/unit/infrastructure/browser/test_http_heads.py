from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.infrastructure.browser.http_heads import (
    BadHead,
    parsed_request,
    parsed_response,
)


def request(first: str, *fields: str) -> bytes:
    return "\r\n".join([first, *fields, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    ("first", "host", "port"),
    [
        ("CONNECT example.org:443 HTTP/1.1", "example.org", 443),
        ("CONNECT [::1]:8443 HTTP/1.1", "::1", 8443),
        ("CONNECT 127.1:80 HTTP/1.1", "127.1", 80),
    ],
)
def test_a_tunnel_goes_to_host_and_port(first: str, host: str, port: int) -> None:
    head = parsed_request(request(first))
    assert (head.host, head.port, head.is_tunnel) == (host, port, True)


@pytest.mark.parametrize(
    ("address", "host", "port", "path"),
    [
        ("http://example.org/a?b=c", "example.org", 80, "/a?b=c"),
        ("http://Example.org:8080/", "example.org", 8080, "/"),
        ("http://[::1]:81/x", "::1", 81, "/x"),
        ("http://example.org", "example.org", 80, "/"),
    ],
)
def test_a_request_is_passed_on_in_origin_form(
    address: str, host: str, port: int, path: str
) -> None:
    head = parsed_request(
        request(
            f"GET {address} HTTP/1.1",
            "Host: example.org",
            "Proxy-Connection: keep-alive",
            "Proxy-Authorization: Basic eDp5",
            "Accept: */*",
        )
    )
    assert (head.host, head.port, head.is_tunnel, head.body_bytes) == (host, port, False, 0)
    assert head.forwarded.decode() == (
        f"GET {path} HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )


def test_the_length_of_a_body_is_known() -> None:
    head = parsed_request(request("POST http://a.org/ HTTP/1.1", "Content-Length: 12"))
    assert head.body_bytes == 12


@pytest.mark.parametrize(
    "head",
    [
        request("GET /path HTTP/1.1", "Host: a.org"),
        request("GET https://a.org/ HTTP/1.1"),
        request("GET ftp://a.org/ HTTP/1.1"),
        request("GET http://user:word@a.org/ HTTP/1.1"),
        request("GET http://a.org:99999/ HTTP/1.1"),
        request("GET http:///x HTTP/1.1"),
        request("CONNECT a.org HTTP/1.1"),
        request("CONNECT a.org:x HTTP/1.1"),
        request("GET http://a.org/ HTTP/2.0"),
        request("GET http://ä.org/ HTTP/1.1"),
        request("GET http://a.org/ HTTP/1.1", "no field"),
        request("GET http://a.org/ HTTP/1.1", "Bad Name: x"),
        request("POST http://a.org/ HTTP/1.1", "Content-Length: 1", "Content-Length: 2"),
        request("POST http://a.org/ HTTP/1.1", "Content-Length: -1"),
        request("POST http://a.org/ HTTP/1.1", "Transfer-Encoding: chunked"),
        b"\x16\x03\x01\r\n\r\n",
    ],
)
def test_what_no_browser_sends_is_refused(head: bytes) -> None:
    with pytest.raises(BadHead):
        parsed_request(head)


def test_an_answer_never_keeps_the_connection() -> None:
    head = parsed_response(
        request("HTTP/1.1 200 OK", "Connection: keep-alive", "Keep-Alive: timeout=9", "Server: x")
    )
    assert not head.is_interim
    assert head.forwarded == b"HTTP/1.1 200 OK\r\nServer: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("status", "interim"), [(100, True), (103, True), (204, False), (999, False)]
)
def test_interim_answers_are_told_apart(status: int, interim: bool) -> None:
    assert parsed_response(request(f"HTTP/1.1 {status} Word")).is_interim is interim


@pytest.mark.parametrize("first", ["SSH-2.0-OpenSSH", "HTTP/1.1 000 x", "HTTP/1.1 20", ""])
def test_what_is_no_http_is_refused(first: str) -> None:
    with pytest.raises(BadHead):
        parsed_response(request(first))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_head_or_refused(noise: bytes) -> None:
    for parse in (parsed_request, parsed_response):
        with suppress(BadHead):
            parse(noise + b"\r\n\r\n")
