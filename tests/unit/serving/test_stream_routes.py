"""`/rag/stream`: the events, in order, and what becomes of errors."""

import json

import pytest

from llm_engineering.domain.errors import InvalidInput, ModelError, StoreUnavailable
from tests.unit.serving.oracle import CHUNK, Oracle, client, events_of

ASK = {"query": "When?"}


def test_sources_tokens_citations_and_the_whole_response_come_in_this_order() -> None:
    response = client(release=lambda: "r7").post("/rag/stream", json=ASK)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = events_of(response.text)
    assert [name for name, _ in events] == ["sources", "token", "token", "citations", "done"]
    sources, first, second, citations, done = (json.loads(data) for _, data in events)
    assert sources["passages"][0]["url"] == CHUNK.url
    assert first["text"] + second["text"] == "It turns."
    assert citations["citations"] == done["citations"]
    assert citations["unsupported"] == [[14, 23]]
    assert (done["answer"], done["release"]) == ("It turns. [1] It sings.", "r7")
    assert sources["request_id"] == done["request_id"] == response.headers["x-request-id"]


def test_done_is_what_rag_returns() -> None:
    app = client()
    headers = {"x-request-id": "the-same-for-both"}
    whole = app.post("/rag", json=ASK, headers=headers).json()
    streamed = events_of(app.post("/rag/stream", json=ASK, headers=headers).text)
    assert json.loads(streamed[-1][1]) == whole


@pytest.mark.parametrize(
    ("error", "status"),
    [(StoreUnavailable("10.0.0.7"), 503), (InvalidInput("no author"), 422), (ModelError("x"), 502)],
)
def test_what_fails_before_the_first_event_has_its_status(error: Exception, status: int) -> None:
    failed = client(Oracle(error)).post("/rag/stream", json=ASK)
    assert failed.status_code == status
    assert failed.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("late", [ModelError("secret-host hung up"), ZeroDivisionError("secret")])
def test_what_fails_later_is_an_event_and_the_last_one(late: Exception) -> None:
    response = client(Oracle(late=late)).post("/rag/stream", json=ASK)
    assert response.status_code == 200
    events = events_of(response.text)
    assert [name for name, _ in events] == ["sources", "token", "error"]
    problem = json.loads(events[-1][1])
    assert problem["status"] in (500, 502)
    assert "secret" not in response.text
    assert problem["request_id"] == response.headers["x-request-id"]
