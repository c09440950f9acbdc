"""Who may ask what: keys, scopes, ties, and who needs none."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from llm_engineering.application.access.keys import make_key
from llm_engineering.domain.api_keys import Scope
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.explanations import Explanation, Fate
from llm_engineering.domain.queries import Query, SearchFilters
from llm_engineering.infrastructure.in_memory.api_key_store import InMemoryApiKeyStore
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.serving.access import KeyRing, OpenTo
from llm_engineering.serving.limits import Limits
from tests.contracts.document_making import article
from tests.unit.serving.oracle import Oracle, client

ASK = {"query": "When?"}
ADA = SearchFilters(authors=("Ada Lovelace",))
NOW = datetime(2026, 5, 1, tzinfo=UTC)
READ = (Scope.READ,)


def key(
    store: InMemoryApiKeyStore,
    scopes: tuple[Scope, ...] = READ,
    ties: SearchFilters = SearchFilters(),
) -> dict[str, str]:
    """Returns the header of a new key."""
    made, token = make_key("test", scopes, ties, NOW, secrets.token_bytes)
    store.add(made)
    return {"Authorization": f"Bearer {token}"}


def locked(
    store: InMemoryApiKeyStore, oracle: Oracle | None = None, **deployment: Any
) -> TestClient:
    return client(oracle, open_to=OpenTo.NOBODY, keys=KeyRing(store), **deployment)


@pytest.mark.parametrize("route", ["/rag", "/rag/stream", "/retrieve", "/explain"])
def test_without_a_key_nothing_is_answered_and_nothing_is_read(route: str) -> None:
    oracle = Oracle()
    refused = locked(InMemoryApiKeyStore(), oracle).post(route, json=ASK)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["content-type"] == "application/problem+json"
    assert oracle.asked == []


def test_a_key_opens_and_a_wrong_one_does_not() -> None:
    store = InMemoryApiKeyStore()
    app = locked(store)
    headers = key(store)
    assert app.post("/rag", json=ASK, headers=headers).status_code == 200
    headers["Authorization"] += "0"
    assert app.post("/rag", json=ASK, headers=headers).status_code == 401


def test_a_wrong_key_is_refused_also_where_none_is_needed() -> None:
    app = client(open_to=OpenTo.ALL, keys=KeyRing(InMemoryApiKeyStore()))
    assert app.post("/rag", json=ASK, headers={"Authorization": "Bearer llmp_x"}).status_code == 401


def test_a_key_without_the_scope_is_refused() -> None:
    store = InMemoryApiKeyStore()
    refused = locked(store).post("/rag", json=ASK, headers=key(store, (Scope.INGEST,)))
    assert refused.status_code == 403
    assert "scope read" in refused.json()["detail"]


def test_a_revoked_key_is_refused_after_five_seconds() -> None:
    now = 0.0
    store = InMemoryApiKeyStore()
    app = client(open_to=OpenTo.NOBODY, keys=KeyRing(store, lambda: now))
    headers = key(store)
    assert app.post("/rag", json=ASK, headers=headers).status_code == 200
    store.revoke(store.all()[0].id, NOW)
    now = 5.1
    assert app.post("/rag", json=ASK, headers=headers).status_code == 401


def test_keys_out_of_reach_are_an_outage_and_open_nothing() -> None:
    class Down(InMemoryApiKeyStore):
        def get(self, key_id: str) -> None:
            raise StoreUnavailable("10.0.0.7 is down")

    failed = locked(Down()).post("/rag", json=ASK, headers=key(InMemoryApiKeyStore()))
    assert failed.status_code == 503
    assert "10.0.0.7" not in failed.text


@pytest.mark.parametrize(
    ("host", "peer", "status"),
    [
        ("127.0.0.1", "127.0.0.1", 200),
        ("localhost:3000", "127.0.0.1", 200),
        ("[::1]:3000", "::1", 200),
        ("127.0.0.1", "10.0.0.9", 401),
        ("localhost", "203.0.113.5", 401),
        ("evil.example", "127.0.0.1", 401),  # a web page that resolves its name to this machine
        ("127.0.0.1.evil.example", "127.0.0.1", 401),
    ],
)
def test_only_programs_of_this_machine_need_no_key(host: str, peer: str, status: int) -> None:
    app = client(open_to=OpenTo.LOOPBACK).app
    asking = TestClient(app, base_url=f"http://{host}", client=(peer, 50_000))
    assert asking.post("/rag", json=ASK).status_code == status


def test_a_key_may_ask_so_often_in_a_minute_and_others_are_not_held_up() -> None:
    store = InMemoryApiKeyStore()
    app = locked(store, limits=Limits(per_minute=2))
    first, second = key(store), key(store)
    statuses = [app.post("/rag", json=ASK, headers=first).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = app.post("/rag", json=ASK, headers=first)
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert app.post("/rag", json=ASK, headers=second).status_code == 200


def test_a_tied_key_reads_within_its_ties_alone() -> None:
    store, oracle = InMemoryApiKeyStore(), Oracle()
    app = locked(store, oracle)
    headers = key(store, ties=ADA)
    for route in ("/rag", "/rag/stream", "/retrieve"):
        assert app.post(route, json=ASK, headers=headers).status_code == 200
    assert [query.filters.authors for query, _ in oracle.asked] == [("Ada Lovelace",)] * 3


@pytest.mark.parametrize("route", ["/rag", "/rag/stream", "/retrieve", "/explain"])
def test_filters_outside_the_ties_are_refused(route: str) -> None:
    store, oracle = InMemoryApiKeyStore(), Oracle()
    body = {**ASK, "filters": {"authors": ["Grace Hopper"]}}
    if route == "/explain":
        body["document"] = "https://example.org/tides"
    refused = locked(store, oracle).post(route, json=body, headers=key(store, ties=ADA))
    assert refused.status_code == 403
    assert oracle.asked == []


def test_names_from_the_catalogue_are_not_told_to_a_tied_key() -> None:
    store = InMemoryApiKeyStore()
    tied = SearchFilters(platforms=("github",))
    app = locked(store)
    told = app.post("/retrieve", json=ASK, headers=key(store, ties=tied)).json()
    assert told["found_filters"]["authors"] == []
    told = app.post("/retrieve", json=ASK, headers=key(store)).json()
    assert told["found_filters"]["authors"] == ["Ada Lovelace"]


class Duplicated(Oracle):
    def explain(self, query: Query, url: str, k: int | None) -> Explanation:
        return Explanation(
            url=url,
            fate=Fate.DUPLICATE,
            reason="https://example.org/secret says the same",
            filters=SearchFilters(authors=("Secret Author",)),
        )


@pytest.fixture
def explaining() -> Iterator[tuple[TestClient, InMemoryApiKeyStore]]:
    documents, store = InMemoryDocumentStore(), InMemoryApiKeyStore()
    documents.save(article("own", author="Ada Lovelace"))
    documents.save(article("others", author="Grace Hopper"))
    yield locked(store, Duplicated(), documents=documents), store


@pytest.mark.parametrize("name", ["others", "never-stored"])
def test_a_document_of_others_is_as_one_that_is_not_there(
    explaining: tuple[TestClient, InMemoryApiKeyStore], name: str
) -> None:
    app, store = explaining
    body = {**ASK, "document": f"https://example.org/{name}"}
    refused = app.post("/explain", json=body, headers=key(store, ties=ADA))
    assert refused.status_code == 404
    assert refused.json()["detail"] == "no document at this address that the API key may read"


def test_the_explanation_of_ones_own_document_tells_nothing_of_others(
    explaining: tuple[TestClient, InMemoryApiKeyStore],
) -> None:
    app, store = explaining
    body = {**ASK, "document": "https://example.org/own"}
    tied = key(store, ties=SearchFilters(platforms=("example.org",)))
    told = app.post("/explain", json=body, headers=tied)
    assert told.json()["fate"] == "duplicate"
    assert "secret" not in told.text.lower()
    assert "secret" in app.post("/explain", json=body, headers=key(store)).text.lower()
