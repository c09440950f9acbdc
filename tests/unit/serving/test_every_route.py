"""What holds of every route: who may ask, what is too much, and how it is told."""

import secrets
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from llm_engineering.application.access.keys import make_key
from llm_engineering.domain.api_keys import Scope
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.infrastructure.in_memory.api_key_store import InMemoryApiKeyStore
from llm_engineering.serving.access import KeyRing, OpenTo
from llm_engineering.serving.api import create_app
from llm_engineering.serving.deployment import Deployment
from llm_engineering.serving.limits import MAX_BODY_BYTES, Limits
from tests.unit.serving.oracle import CHUNK, Oracle

CHAT = {"model": "rag", "messages": [{"role": "user", "content": "When?"}]}
BODIES: dict[str, dict[str, Any]] = {
    "/rag": {"query": "When?"},
    "/rag/stream": {"query": "When?"},
    "/retrieve": {"query": "When?"},
    "/explain": {"query": "When?", "document": CHUNK.url},
    "/feedback": {"request_id": "0123456789abcdef", "vote": "up"},
    "/v1/chat/completions": CHAT,
    "/v1/embeddings": {"model": "embedding", "input": "When?"},
}
READ = [("POST", route) for route in BODIES] + [("GET", "/documents"), ("GET", "/v1/models")]
KEEP = [("DELETE", f"/documents/{UUID(int=1)}")]
EVERY = READ + KEEP
ASKING = ("/rag", "/rag/stream", "/retrieve", "/explain", "/v1/chat/completions")


class House:
    """One application for all tests: what is behind it is asked for at every request."""

    def __init__(self) -> None:
        self.oracle, self.deployment = Oracle(), Deployment()
        self.app = TestClient(
            create_app(lambda: self.oracle, lambda: self.deployment),
            base_url="http://127.0.0.1",
            raise_server_exceptions=False,
            client=("127.0.0.1", 50_000),
        )


@cache
def house() -> House:
    return House()


def client(oracle: Oracle | None = None, **deployment: Any) -> TestClient:
    """Returns the application with this behind it."""
    house().oracle, house().deployment = oracle or Oracle(), Deployment(**deployment)
    return house().app


def ask(app: TestClient, method: str, route: str, **given: Any) -> Response:
    body = {"json": BODIES[route]} if route in BODIES else {}
    return app.request(method, route, **{**body, **given})


def told(response: Response, route: str) -> str:
    """Returns what an error tells, and checks that it has the shape of its route."""
    body = response.json()
    if route.startswith("/v1"):
        assert set(body) == {"error"}
        assert set(body["error"]) == {"message", "type", "param", "code"}
        return str(body["error"]["message"])
    assert response.headers["content-type"] == "application/problem+json"
    assert body["status"] == response.status_code
    assert body["request_id"] == response.headers["x-request-id"]
    return str(body["detail"])


def header(store: InMemoryApiKeyStore, *scopes: Scope) -> dict[str, str]:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    key, token = make_key("test", scopes, SearchFilters(), now, secrets.token_bytes)
    store.add(key)
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("method", "route"), EVERY)
@pytest.mark.parametrize(
    "authorization", [None, "Bearer llmp_0123456789ab_" + "0" * 64, "Bearer x", "Basic YTpi"]
)
def test_without_a_valid_key_nothing_is_done(
    method: str, route: str, authorization: str | None
) -> None:
    oracle, store = Oracle(), InMemoryApiKeyStore()
    header(store, Scope.ADMIN)
    app = client(oracle, open_to=OpenTo.NOBODY, keys=KeyRing(store))
    headers = {} if authorization is None else {"Authorization": authorization}
    refused = ask(app, method, route, headers=headers)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert "key" in told(refused, route).lower()
    assert oracle.asked == []


@pytest.mark.parametrize(
    ("method", "route", "scope"),
    [(*one, Scope.INGEST) for one in READ] + [(*one, Scope.READ) for one in KEEP],
)
def test_a_key_of_another_scope_is_refused(method: str, route: str, scope: Scope) -> None:
    oracle, store = Oracle(), InMemoryApiKeyStore()
    app = client(oracle, open_to=OpenTo.NOBODY, keys=KeyRing(store))
    refused = ask(app, method, route, headers=header(store, scope))
    assert refused.status_code == 403
    assert "scope" in told(refused, route)
    assert oracle.asked == []


@pytest.mark.parametrize(("method", "route"), EVERY)
def test_an_admin_is_let_in_everywhere(method: str, route: str) -> None:
    store = InMemoryApiKeyStore()
    app = client(open_to=OpenTo.NOBODY, keys=KeyRing(store))
    answered = ask(app, method, route, headers=header(store, Scope.ADMIN))
    assert answered.status_code not in (401, 403)


@pytest.mark.parametrize(("method", "route"), EVERY)
def test_a_key_that_asks_too_often_waits_and_others_do_not(method: str, route: str) -> None:
    store = InMemoryApiKeyStore()
    app = client(open_to=OpenTo.NOBODY, keys=KeyRing(store), limits=Limits(per_minute=1))
    first, second = header(store, Scope.ADMIN), header(store, Scope.ADMIN)
    assert ask(app, method, route, headers=first).status_code != 429
    refused = ask(app, method, route, headers=first)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert ask(app, method, route, headers=second).status_code != 429


@pytest.mark.parametrize("route", [one for one in BODIES if one != "/v1/embeddings"])
def test_where_no_place_is_free_nobody_waits(route: str) -> None:
    oracle = Oracle()
    refused = ask(client(oracle, limits=Limits(concurrency=0)), "POST", route)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert "taken" in told(refused, route)
    assert oracle.asked == []


@pytest.mark.parametrize("route", BODIES)
@pytest.mark.parametrize("said", [True, False], ids=["length said", "in pieces"])
def test_a_body_that_is_too_large_is_not_read_to_its_end(route: str, said: bool) -> None:
    body: Any = b" " * (MAX_BODY_BYTES + 1)
    if not said:  # no Content-Length
        body = iter([body])
    oracle = Oracle()
    headers = {"content-type": "application/json"}
    refused = client(oracle).post(route, content=body, headers=headers)
    assert refused.status_code == 413
    assert refused.headers["connection"] == "close"
    assert "large" in told(refused, route)
    assert oracle.asked == []


@pytest.mark.parametrize("route", BODIES)
@pytest.mark.parametrize(
    "content", ["", "{", "null", "[]", '"When?"', "7", '{"query": NaN}', "{}", "[" * 5000]
)
def test_what_is_no_request_is_refused(route: str, content: str) -> None:
    oracle = Oracle()
    headers = {"content-type": "application/json"}
    refused = client(oracle).post(route, content=content, headers=headers)
    assert refused.status_code in (400, 422)
    assert len(told(refused, route)) < 500
    assert oracle.asked == []


@pytest.mark.parametrize("route", [one for one in BODIES if not one.startswith("/v1")])
def test_a_field_that_is_not_known_is_named(route: str) -> None:
    oracle = Oracle()
    refused = client(oracle).post(route, json={**BODIES[route], "colour": "red"})
    assert refused.status_code == 422
    assert "colour" in told(refused, route)
    assert oracle.asked == []


@pytest.mark.parametrize("route", BODIES)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_method_is_not_allowed(route: str, method: str) -> None:
    refused = client().request(method, route)
    assert refused.status_code == 405
    assert "POST" in refused.headers["allow"]
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("route", ASKING)
def test_an_outage_of_a_store_is_told_without_its_address(route: str) -> None:
    failed = ask(client(Oracle(StoreUnavailable("mongo at 10.0.0.7 is down"))), "POST", route)
    assert failed.status_code == 503
    assert "10.0.0.7" not in failed.text
    assert "store" in told(failed, route)


@pytest.mark.parametrize("route", ASKING)
def test_a_mistake_of_ours_is_told_without_its_reason(route: str) -> None:
    failed = ask(client(Oracle(ZeroDivisionError("secret-reason"))), "POST", route)
    assert failed.status_code == 500
    assert "secret-reason" not in failed.text
    assert "Traceback" not in failed.text
    told(failed, route)


@pytest.mark.parametrize(("method", "route"), EVERY)
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("my-request-0001", True),
        ("a" * 64, True),
        ("short", False),
        ("a" * 65, False),
        ("two words here", False),
        ("-leading-dash", False),
        ("<script>alert(1)</script>", False),
    ],
)
def test_every_response_has_the_id_that_was_given_if_it_is_one(
    method: str, route: str, given: str, kept: bool
) -> None:
    response = ask(client(), method, route, headers={"X-Request-ID": given})
    (told_id,) = response.headers.get_list("x-request-id")
    assert (told_id == given) is kept
    assert 8 <= len(told_id) <= 64


@pytest.mark.parametrize(("method", "route"), EVERY)
def test_every_request_is_measured_once_under_the_name_of_its_route(
    method: str, route: str
) -> None:
    seen: list[tuple[str, int, float]] = []
    response = ask(client(observe=lambda *one: seen.append(one)), method, route)
    ((name, status, seconds),) = seen
    assert status == response.status_code
    assert 0.0 <= seconds < 60.0
    assert name == ("/documents/{document_id}" if method == "DELETE" else route)


@pytest.mark.parametrize("path", ["/", "/RAG", "/rag/", "/rag/stream/x", "/v1", "/../etc/passwd"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_no_route_is_not_found_and_measured_under_one_name(path: str, method: str) -> None:
    seen: list[str] = []
    app = client(observe=lambda name, *_: seen.append(name))
    response = app.request(method, path, follow_redirects=False)
    assert response.status_code in (404, 307)
    assert seen == ["other"]
