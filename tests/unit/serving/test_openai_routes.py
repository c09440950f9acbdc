"""`/v1`: OpenAI's format, with what `/rag` says beyond it."""

import json
import struct
from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from llm_engineering.application.rag.answer_recorder import AnswerRecorder
from llm_engineering.domain.answers import Turn, Verification
from llm_engineering.domain.errors import InvalidInput, ModelError, StoreUnavailable
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel
from llm_engineering.infrastructure.in_memory.feedback_store import InMemoryFeedbackStore
from llm_engineering.serving.access import OpenTo
from llm_engineering.serving.limits import Limits
from tests.unit.serving.oracle import ANSWER, CHUNK, Oracle, client

CHAT = "/v1/chat/completions"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def asked(*messages: tuple[str, object], **more: object) -> dict[str, object]:
    told = messages or (("user", "When?"),)
    listed = [{"role": role, "content": content} for role, content in told]
    return {"model": "rag", "messages": listed, **more}


def embedding_client(**deployment: Any) -> TestClient:
    return client(embedder=HashingEmbeddingModel(), embedder_name="hashing", **deployment)


def chunks_of(body: str) -> list[Any]:
    """Returns the chunks of a stream that ends as it should."""
    *lines, done, rest = body.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_a_completion_has_the_answer_its_usage_and_its_citations() -> None:
    app = client(release=lambda: "r7", clock=lambda: NOON)
    response = app.post(CHAT, json=asked())
    body = response.json()
    assert body["object"] == "chat.completion"
    assert (body["model"], body["created"]) == ("rag", int(NOON.timestamp()))
    assert body["id"] == f"chatcmpl-{response.headers['x-request-id']}"
    (choice,) = body["choices"]
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"] == ANSWER.text
    assert body["usage"] == {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}
    assert [one["url"] for one in body["citations"]] == [CHUNK.url]
    assert (body["grounded"], body["mode"], body["release"]) == (True, "generated", "r7")
    assert body["unsupported"] == [[14, 23]]
    assert body["request_id"] == response.headers["x-request-id"]


def test_every_mark_is_an_annotation_where_it_stands() -> None:
    body = client().post(CHAT, json=asked()).json()
    (annotation,) = body["choices"][0]["message"]["annotations"]
    cited = annotation["url_citation"]
    assert (annotation["type"], cited["url"], cited["title"]) == (
        "url_citation",
        CHUNK.url,
        CHUNK.title,
    )
    assert ANSWER.text[cited["start_index"] : cited["end_index"]] == "[1]"


def test_what_rag_says_is_said_here_too() -> None:
    app, headers = client(), {"x-request-id": "the-same-for-both"}
    rag = app.post("/rag", json={"query": "When?"}, headers=headers).json()
    body = app.post(CHAT, json=asked(), headers=headers).json()
    named = ("question", "citations", "nearest", "unsupported", "grounded", "degraded", "cached")
    assert {name: body[name] for name in named} == {name: rag[name] for name in named}


def test_the_last_message_is_asked_and_earlier_ones_are_the_conversation() -> None:
    oracle = Oracle()
    parts = [{"type": "text", "text": "And"}, {"type": "text", "text": "now?"}]
    messages: Sequence[tuple[str, object]] = (
        ("system", "You are a pirate."),
        ("user", "What is a tide?"),
        ("assistant", "Water [1]."),
        ("assistant", None),
        ("tool", "42"),
        ("user", parts),
    )
    assert client(oracle).post(CHAT, json=asked(*messages)).status_code == 200
    (request,) = oracle.requests
    assert request.query.text == "And\nnow?"
    assert request.history == (
        Turn(role="user", text="What is a tide?"),
        Turn(role="assistant", text="Water [1]."),
    )
    assert request.model is None


def test_the_request_can_be_traced_and_found_again() -> None:
    oracle = Oracle()
    headers = {"x-request-id": "given-by-the-caller", "traceparent": "00-ab-cd-01"}
    client(oracle).post(CHAT, json=asked(), headers=headers)
    (request,) = oracle.requests
    assert (request.request_id, request.trace_parent) == ("given-by-the-caller", "00-ab-cd-01")


def test_feedback_to_a_follow_up_is_kept_with_the_question_that_stands_alone() -> None:
    store = InMemoryFeedbackStore()
    recorder = AnswerRecorder(store)
    app = client(answers=recorder)
    for messages in ((("user", "When?"),), (("user", "Tides?"), ("user", "When?"))):
        told = app.post(CHAT, json=asked(*messages)).json()
        vote = {"request_id": told["request_id"], "vote": "up"}
        assert app.post("/feedback", json=vote).status_code == 200
    assert [one.question for one in store.rated()] == ["When?", ANSWER.question]
    recorder.close()


def test_what_rag_can_be_asked_can_be_asked_here() -> None:
    oracle = Oracle()
    more = {"filters": {"platforms": ["github"]}, "top_k": 3, "verify": "strict"}
    body = asked(**more, temperature=0.9, max_tokens=5, user="ada", seed=7) | {"model": "local:x"}
    assert client(oracle, models=("local:x",)).post(CHAT, json=body).status_code == 200
    (request,) = oracle.requests
    assert request.query.filters.platforms == ("github",)
    assert (request.k, request.verify, request.model) == (3, Verification.STRICT, "local:x")


def test_a_day_reaches_the_history_of_the_service() -> None:
    refused = client().post(CHAT, json=asked(as_of=str(date(2026, 5, 1))))
    assert refused.status_code == 400
    assert "keeps no history" in refused.json()["error"]["message"]


def test_a_stream_tells_the_checked_answer_in_pieces() -> None:
    app = client(release=lambda: "r7")
    response = app.post(CHAT, json=asked(stream=True))
    assert response.headers["content-type"].startswith("text/event-stream")
    first, *pieces, last = chunks_of(response.text)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    words = [one["choices"][0]["delta"]["content"] for one in pieces]
    assert len(words) > 3
    assert "".join(words) == ANSWER.text
    assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert (last["answer"], last["grounded"], last["release"]) == (ANSWER.text, True, "r7")
    assert [one["url"] for one in last["citations"]] == [CHUNK.url]
    assert {one["object"] for one in (first, *pieces, last)} == {"chat.completion.chunk"}
    assert len({one["id"] for one in (first, *pieces, last)}) == 1


def test_an_unchecked_stream_tells_what_the_model_writes() -> None:
    response = client().post(CHAT, json=asked(stream=True, unchecked=True))
    _, *pieces, last = chunks_of(response.text)
    assert [one["choices"][0]["delta"]["content"] for one in pieces] == ["It ", "turns."]
    assert last["answer"] == ANSWER.text


def test_the_usage_of_a_stream_comes_when_it_is_asked_for() -> None:
    body = asked(stream=True, stream_options={"include_usage": True})
    *_, last = chunks_of(client().post(CHAT, json=body).text)
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}
    chunks = chunks_of(client().post(CHAT, json=asked(stream=True)).text)
    assert all(one["usage"] is None for one in chunks)


@pytest.mark.parametrize("late", [ModelError("secret-host hung up"), ZeroDivisionError("secret")])
def test_a_stream_that_fails_ends_with_the_error(late: Exception) -> None:
    response = client(Oracle(late=late)).post(CHAT, json=asked(stream=True))
    assert response.status_code == 200
    *_, last, rest = response.text.split("\n\n")
    assert rest == ""
    error = json.loads(last.removeprefix("data: "))["error"]
    assert (error["type"], "secret" in response.text) == ("server_error", False)
    assert response.headers["x-request-id"] in error["message"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (StoreUnavailable("10.0.0.7"), 503, "server_error"),
        (ModelError("10.0.0.7"), 502, "server_error"),
        (ZeroDivisionError("10.0.0.7"), 500, "server_error"),
        (InvalidInput("no author"), 400, "invalid_request_error"),
    ],
)
def test_a_failure_has_its_status_in_openais_shape(
    error: Exception, status: int, kind: str, stream: bool
) -> None:
    failed = client(Oracle(error)).post(CHAT, json=asked(stream=stream))
    assert failed.status_code == status
    assert set(failed.json()["error"]) == {"message", "type", "param", "code"}
    assert failed.json()["error"]["type"] == kind
    assert "10.0.0.7" not in failed.text


@pytest.mark.parametrize(
    ("body", "named", "param"),
    [
        ({}, "model", "model"),
        ({"model": "rag"}, "messages", "messages"),
        ({"model": "rag", "messages": []}, "messages", "messages"),
        (asked(n=2), "n", "n"),
        (asked(tools=[{"type": "function"}]), "tools", "tools"),
        (asked(logprobs=True), "logprobs", "logprobs"),
        (asked(response_format={"type": "json_object"}), "text", "response_format"),
        (asked(top_k=0), "top_k", "top_k"),
        (asked(as_of=7), "a date such as", "as_of"),
        (asked(verify="hard"), "verify", "verify"),
        (asked(filter={}), "filter", "filter"),
        (asked(filters={"autors": []}), "autors", "filters"),
        (asked(("user", [{"type": "image_url", "image_url": {}}])), "'text'", "messages"),
        (asked(("king", "When?")), "role", "messages"),
        (asked(("user", 7)), "content", "messages"),
        (asked(("user", " ")), "not blank", None),
        (asked(("user", "When?"), ("assistant", "Now.")), "the user's", None),
        (asked(("user", "x" * 2001)), "2001 characters", None),
        (asked(*(("user", "x"),) * 201), "200", "messages"),
    ],
)
def test_a_bad_request_names_what_is_wrong(body: object, named: str, param: str | None) -> None:
    oracle = Oracle()
    refused = client(oracle).post(CHAT, json=body)
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert (named in error["message"], error["param"]) == (True, param)
    assert error["type"] == "invalid_request_error"
    assert oracle.requests == []


@pytest.mark.parametrize("content", ["{", "[]", '"rag"', "\x00", "[" * 10_000])
def test_what_is_no_request_is_refused(content: str) -> None:
    headers = {"content-type": "application/json"}
    refused = client().post(CHAT, content=content, headers=headers)
    assert refused.status_code == 400
    assert refused.json()["error"]["type"] == "invalid_request_error"


def test_a_body_that_is_too_large_is_refused_in_openais_shape() -> None:
    refused = client().post(CHAT, json=asked(("user", "x" * 300_000)))
    assert refused.status_code == 413
    assert "large" in refused.json()["error"]["message"]


def test_a_model_that_may_not_be_named_is_not_found() -> None:
    refused = client(models=("local:x",)).post(CHAT, json=asked() | {"model": "gpt-4o"})
    assert refused.status_code == 404
    error = refused.json()["error"]
    assert error["code"] == "model_not_found"
    assert "'gpt-4o'" in error["message"]
    assert "rag, local:x" in error["message"]


@pytest.mark.parametrize("route", [CHAT, "/v1/embeddings", "/v1/models", "/v1/models/rag"])
def test_without_a_key_nothing_is_told(route: str) -> None:
    app = embedding_client(open_to=OpenTo.NOBODY)
    refused = app.get(route) if "models" in route else app.post(route, json={})
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "invalid_api_key"
    assert refused.headers["www-authenticate"] == "Bearer"


def test_too_many_at_once_are_refused_with_a_time_to_wait() -> None:
    refused = client(limits=Limits(concurrency=0)).post(CHAT, json=asked())
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"


def test_the_models_are_the_chat_models_and_the_embedder() -> None:
    app = embedding_client(models=("local:x", "openai:gpt-4o"), clock=lambda: NOON)
    body = app.get("/v1/models").json()
    assert body["object"] == "list"
    names = [one["id"] for one in body["data"]]
    assert names == ["rag", "local:x", "openai:gpt-4o", "hashing"]
    assert {one["created"] for one in body["data"]} == {int(NOON.timestamp())}
    assert [app.get(f"/v1/models/{name}").json()["id"] for name in names] == names
    missing = app.get("/v1/models/sentence-transformers/none")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")


def test_without_an_embedder_only_chat_models_are_listed() -> None:
    assert [one["id"] for one in client().get("/v1/models").json()["data"]] == ["rag"]


def test_embeddings_are_those_of_questions_in_order() -> None:
    texts = [f"text {n}" for n in range(70)]
    body = embedding_client().post("/v1/embeddings", json={"model": "hashing", "input": texts})
    data = body.json()["data"]
    expected = HashingEmbeddingModel().embed_queries(texts)
    assert [one["index"] for one in data] == list(range(70))
    assert [tuple(one["embedding"]) for one in data] == list(expected)
    assert body.json()["usage"] == {"prompt_tokens": 140, "total_tokens": 140}


def test_base64_has_the_same_vector() -> None:
    asking = {"model": "hashing", "input": "ebb", "encoding_format": "base64", "dimensions": 32}
    (one,) = embedding_client().post("/v1/embeddings", json=asking).json()["data"]
    vector = struct.unpack("<32f", b64decode(one["embedding"]))
    assert vector == pytest.approx(HashingEmbeddingModel().embed_query("ebb"))


@pytest.mark.parametrize(
    ("more", "status", "named"),
    [
        ({"input": []}, 400, "1 to 2048"),
        ({"input": ["x"] * 2049}, 400, "1 to 2048"),
        ({"input": ["x", " "]}, 400, "blank"),
        ({"input": ""}, 400, "blank"),
        ({"input": [1, 2]}, 400, "check_embedding_ctx_length=False"),
        ({"input": [[1], [2]]}, 400, "check_embedding_ctx_length=False"),
        ({"input": 7}, 400, "input"),
        ({"input": "x", "dimensions": 8}, 400, "32"),
        ({"input": "x", "encoding_format": "hex"}, 400, "encoding_format"),
        ({"input": "x", "colour": "red"}, 400, "colour"),
        ({"input": "x", "model": "text-embedding-3-small"}, 404, "hashing"),
    ],
)
def test_a_bad_embedding_request_names_what_is_wrong(
    more: dict[str, object], status: int, named: str
) -> None:
    refused = embedding_client().post("/v1/embeddings", json={"model": "hashing"} | more)
    assert refused.status_code == status
    assert named in refused.json()["error"]["message"]


def test_an_embedder_that_fails_is_told_without_internals() -> None:
    class Broken(HashingEmbeddingModel):
        def embed_queries(self, texts: Sequence[str]) -> Sequence[tuple[float, ...]]:
            raise ModelError("/secret/place is gone")

    app = client(embedder=Broken(), embedder_name="hashing")
    failed = app.post("/v1/embeddings", json={"model": "hashing", "input": "x"})
    assert (failed.status_code, "secret" in failed.text) == (502, False)


def test_the_openapi_page_has_the_errors_in_openais_shape() -> None:
    paths = client().get("/openapi.json").json()["paths"]
    responses = paths[CHAT]["post"]["responses"]
    assert {"200", "400", "401", "404", "413", "429", "502", "503", "504"} <= set(responses)
    assert set(responses["200"]["content"]) == {"application/json", "text/event-stream"}
    schema = responses["429"]["content"]["application/json"]["schema"]
    assert schema["$ref"].endswith("ErrorResponse")


def test_where_no_key_is_needed_a_placeholder_is_none() -> None:
    app = embedding_client(open_to=OpenTo.LOOPBACK)
    headers = {"Authorization": "Bearer unused"}
    assert app.get("/v1/models", headers=headers).status_code == 200
    wrong = {"Authorization": f"Bearer llmp_{'0' * 12}_{'0' * 64}"}
    assert app.get("/v1/models", headers=wrong).status_code == 401
