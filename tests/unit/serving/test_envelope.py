"""Ids, bodies that are too large, paths that are not there, and failures nobody thought of."""

import json
import logging
import re
from collections.abc import Iterator

import pytest

from llm_engineering.serving.limits import MAX_BODY_BYTES
from tests.unit.serving.oracle import Oracle, client

ASK = {"query": "When?"}
JSON = {"content-type": "application/json"}


def test_a_well_formed_id_is_taken_over_everywhere() -> None:
    response = client().post("/rag", json=ASK, headers={"X-Request-ID": "trace-7f.a_1"})
    assert response.headers["x-request-id"] == response.json()["request_id"] == "trace-7f.a_1"


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space", "<script>alert", "-leading-x"])
def test_any_other_id_is_replaced(given: str) -> None:
    response = client().post("/rag", json=ASK, headers={"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


def test_two_requests_have_two_ids() -> None:
    app = client()
    assert len({app.post("/rag", json=ASK).headers["x-request-id"] for _ in range(2)}) == 2


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/rag", 405), ("DELETE", "/explain", 405)],
)
def test_what_is_not_there_is_a_problem_with_the_id(method: str, path: str, status: int) -> None:
    response = client().request(method, path)
    assert response.status_code == response.json()["status"] == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == response.json()["request_id"]


def test_a_body_may_have_so_many_bytes_and_not_one_more() -> None:
    oracle = Oracle()
    app = client(oracle)
    body = json.dumps(ASK).encode()
    fits = body + b" " * (MAX_BODY_BYTES - len(body))
    assert app.post("/rag", content=fits, headers=JSON).status_code == 200
    refused = app.post("/rag", content=fits + b" ", headers=JSON)
    assert refused.status_code == 413
    assert refused.headers["content-type"] == "application/problem+json"
    assert len(oracle.requests) == 1


def test_a_body_without_a_stated_length_is_counted() -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"x" * 65_536

    refused = client().post("/rag", content=endless(), headers=JSON)
    assert refused.status_code == 413
    assert "content-length" not in refused.request.headers


@pytest.mark.parametrize(
    "content",
    [
        b'{"query":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
        b'{"query": "a", "top_k": NaN}',
        b'{"query": "a", "top_k": Infinity}',
        b'{"query": "a", "top_k": 1e999}',
        b'{"query": "a", "top_k": ' + b"9" * 5000 + b"}",
        b'{"query": "\\ud800"}',
        b'{"query": "a", "\\ud800": 1}',
        b'{"query": "a", "' + b"k" * 100_000 + b'": 1}',
        b'{"query": "a", "filters": {"published_from": "9999-12-31T23:59:59-23:59"}, "x": 1}',
        bytes(range(256)),
        b"\x1f\x8b\x08\x00",
    ],
    ids=range(12),
)
def test_nothing_that_is_sent_makes_it_fail(content: bytes) -> None:
    refused = client().post("/rag", content=content, headers=JSON)
    assert refused.status_code in (400, 422), refused.text[:200]
    assert refused.headers["content-type"] == "application/problem+json"
    assert len(refused.json()["detail"]) <= 300


def test_what_is_not_sent_as_json_is_not_read_as_json() -> None:
    refused = client().post("/rag", content=json.dumps(ASK), headers={"content-type": "text/plain"})
    assert refused.status_code == 422


def test_a_bug_is_a_problem_without_internals(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        failed = client(Oracle(ZeroDivisionError("secret-host"))).post("/rag", json=ASK)
    assert failed.status_code == 500
    assert "secret-host" not in failed.text
    assert failed.headers["x-request-id"] == failed.json()["request_id"]
    assert failed.json()["request_id"] in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_every_request_is_observed_by_route_and_status() -> None:
    seen: list[tuple[str, int]] = []

    def observe(route: str, status: int, seconds: float) -> None:
        assert 0.0 <= seconds < 60
        seen.append((route, status))

    app = client(observe=observe)
    app.post("/rag", json=ASK)
    app.post("/rag", json={})
    app.get("/secret/path")
    assert seen == [("/rag", 200), ("/rag", 422), ("other", 404)]
