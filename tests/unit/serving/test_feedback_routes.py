from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from llm_engineering.application.rag.answer_recorder import AnswerRecorder
from llm_engineering.application.tracking.served import Rated
from llm_engineering.domain.feedback import Feedback, Vote
from llm_engineering.infrastructure.in_memory.api_key_store import InMemoryApiKeyStore
from llm_engineering.infrastructure.in_memory.feedback_store import InMemoryFeedbackStore
from llm_engineering.serving.access import KeyRing
from tests.unit.serving.oracle import ANSWER, CHUNK, Oracle, client
from tests.unit.serving.test_access import key

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ASK = {"query": "When?"}


@pytest.fixture
def store() -> InMemoryFeedbackStore:
    return InMemoryFeedbackStore()


@pytest.fixture
def keys() -> InMemoryApiKeyStore:
    return InMemoryApiKeyStore()


@pytest.fixture
def app(store: InMemoryFeedbackStore, keys: InMemoryApiKeyStore) -> Iterator[TestClient]:
    recorder = AnswerRecorder(store)
    yield client(answers=recorder, keys=KeyRing(keys), release=lambda: "r1", clock=lambda: NOW)
    recorder.close()


def vote(app: TestClient, request_id: str, **more: Any) -> int:
    headers = more.pop("headers", None)
    body = {"request_id": request_id, "vote": "down", **more}
    return app.post("/feedback", json=body, headers=headers).status_code


@pytest.mark.parametrize("route", ["/rag", "/rag/stream"])
def test_feedback_is_kept_with_question_and_answer(
    app: TestClient, store: InMemoryFeedbackStore, route: str
) -> None:
    request_id = app.post(route, json=ASK).headers["x-request-id"]
    assert vote(app, request_id, better_answer="At noon.") == 200
    (kept,) = store.rated()
    assert (kept.question, kept.answer, kept.model) == ("When?", ANSWER.text, ANSWER.model)
    assert (kept.release, kept.documents, kept.at) == ("r1", (CHUNK.document_id,), NOW)
    assert kept.feedback is not None
    assert (kept.feedback.vote, kept.feedback.better_answer) == (Vote.DOWN, "At noon.")


def test_who_tracks_is_told_of_feedback_that_was_kept(store: InMemoryFeedbackStore) -> None:
    recorder, told = AnswerRecorder(store), list[Rated]()
    app = client(answers=recorder, rated=told.append, clock=lambda: NOW)
    request_id = app.post("/rag", json=ASK).headers["x-request-id"]
    assert (vote(app, "never-answered"), told) == (404, [])
    assert vote(app, request_id) == 200
    assert told == [Rated(request_id, Feedback(vote=Vote.DOWN, at=NOW))]
    recorder.close()


def test_the_service_knows_the_request_id_and_the_caller_s_trace() -> None:
    oracle = Oracle()
    headers = {"x-request-id": "given-by-the-caller", "traceparent": "00-ab-cd-01"}
    client(oracle).post("/rag", json=ASK, headers=headers)
    client(oracle).post("/rag/stream", json=ASK, headers=headers)
    chat = {"model": "rag", "messages": [{"role": "user", "content": "When?"}]}
    client(oracle).post("/v1/chat/completions", json=chat, headers=headers)
    known = [(asked.request_id, asked.trace_parent) for asked in oracle.requests]
    assert known == [("given-by-the-caller", "00-ab-cd-01")] * 3


def test_feedback_to_what_was_never_answered_is_not_found(app: TestClient) -> None:
    assert vote(app, "never-answered") == 404


def test_only_the_key_that_asked_gives_feedback(app: TestClient, keys: InMemoryApiKeyStore) -> None:
    ada, eve = key(keys), key(keys)
    request_id = app.post("/rag", json=ASK, headers=ada).headers["x-request-id"]
    assert vote(app, request_id, headers=eve) == 404
    assert vote(app, request_id) == 404
    assert vote(app, request_id, headers=ada) == 200


def test_a_search_is_no_answer(app: TestClient) -> None:
    request_id = app.post("/retrieve", json=ASK).headers["x-request-id"]
    assert vote(app, request_id) == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"request_id": "12345678"},
        {"request_id": "12345678", "vote": "sideways"},
        {"request_id": "1", "vote": "up"},
        {"request_id": "12345678", "vote": "up", "better_answer": " "},
        {"request_id": "12345678", "vote": "up", "better_answer": "x" * 8001},
        {"request_id": "12345678", "vote": "up", "stars": 5},
        {"request_id": {"$ne": 1}, "vote": "up"},
    ],
)
def test_bad_feedback_is_refused(app: TestClient, body: object) -> None:
    assert app.post("/feedback", json=body).status_code == 422


def test_where_nothing_is_kept_nothing_is_found() -> None:
    app = client()
    request_id = app.post("/rag", json=ASK).headers["x-request-id"]
    assert vote(app, request_id) == 404
