"""Whatever bytes arrive, over real sockets: a clear 4xx, or a correct answer. Never a 5xx."""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.integration.serving.http_server import served
from tests.unit.serving.oracle import Oracle

ROUTES = ("/rag", "/rag/stream", "/retrieve", "/explain", "/feedback")
BODIES = {
    "nothing": b"",
    "100,000 characters": json.dumps({"query": "x" * 100_000}).encode(),
    "binary": bytes(range(256)) * 4,
    "gzip": b"\x1f\x8b\x08\x00\x00\x00",
    "NUL": b'{"query": "a", "\x00": 1}',
    "NaN": b'{"query": NaN}',
    "NaN for a number": b'{"query": "a", "top_k": NaN}',
    "infinity": b'{"query": "a", "top_k": 1e999}',
    "deep lists": b'{"query": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "deep objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "a list": b"[]",
    "null": b"null",
    "wrong type": b'{"query": {"text": "a"}}',
    "unknown field": b'{"query": "a", "colour": "red"}',
    "unknown filter": b'{"query": "a", "filters": {"autors": ["Ada"]}}',
    "top_k -1": b'{"query": "a", "top_k": -1}',
    "top_k 10^9": b'{"query": "a", "top_k": 1000000000}',
    "top_k 10^400": b'{"query": "a", "top_k": 1' + b"0" * 400 + b"}",
    "half a character": b'{"query": "\\ud800", "x": 1}',
    "cut off": b'{"query": "wh',
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(Oracle()) as (host, port):
        yield f"http://{host}:{port}"


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("route", ROUTES)
def test_a_bad_body_is_refused_and_the_reason_told(url: str, route: str, body: bytes) -> None:
    refused = httpx.post(
        f"{url}{route}", content=body, headers={"content-type": "application/json"}
    )
    assert refused.status_code in (400, 422), refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    told = refused.json()
    assert told["detail"]
    assert len(told["detail"]) <= 300
    assert told["request_id"] == refused.headers["x-request-id"]


def test_an_unknown_model_is_refused(url: str) -> None:
    refused = httpx.post(f"{url}/rag", json={"query": "a", "model": "nobody:x"})
    assert refused.status_code == 422
    assert "'nobody:x'" in refused.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/documents?limit=-1", "/documents?limit=1e9", "/documents?after=x"]
)
def test_a_bad_parameter_is_refused(url: str, path: str) -> None:
    refused = httpx.get(f"{url}{path}")
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"


def test_a_body_without_an_end_is_broken_off(url: str) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65_536

    refused = httpx.post(
        f"{url}/rag", content=endless(), headers={"content-type": "application/json"}
    )
    assert refused.status_code == 413


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS handshake
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /rag HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST /rag HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST /rag HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{",  # then it hangs up
    ],
)
def test_what_is_no_http_does_it_no_harm(url: str, sent: bytes) -> None:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert not connection.recv(65_536).startswith(b"HTTP/1.1 5")
    assert httpx.post(f"{url}/rag", json={"query": "When?"}).status_code == 200
