import asyncio
import logging

import pytest

from llm_engineering.domain.answers import Answer, AnswerRequest
from llm_engineering.domain.errors import (
    ConfigurationError,
    InvalidInput,
    ModelError,
    PipelineError,
    StoreUnavailable,
)
from tests.unit.serving.oracle import ANSWER, CHUNK, Oracle, client


def test_an_answer_comes_with_its_citations() -> None:
    body = client(Oracle()).post("/rag", json={"query": "When?"}).json()
    assert body["answer"] == "It turns. [1] It sings."
    assert body["question"] == "When does the tide turn?"
    assert body["unsupported"] == [[14, 23]]
    assert (body["nearest"], body["cached"], body["as_of"]) == ([], False, None)
    assert body["citations"] == [
        {
            "n": 1,
            "url": CHUNK.url,
            "title": CHUNK.title,
            "author": CHUNK.author_full_name,
            "document_id": str(CHUNK.document_id),
            "revision": CHUNK.revision,
            "span": [40, 55],
            "quote": "The tide turns.",
            "score": 0.9,
        }
    ]
    assert body["grounded"] is True
    assert body["usage"] == {"input_tokens": 10, "output_tokens": 3, "cost_usd": None}
    assert body["timings_ms"] == {"total": 12.5}


def test_a_refusal_names_the_nearest_passages() -> None:
    class Refusing(Oracle):
        def answer(self, request: AnswerRequest) -> Answer:
            refused = {"citations": (), "nearest": ANSWER.citations, "grounded": False}
            return super().answer(request).model_copy(update=refused)

    body = client(Refusing()).post("/rag", json={"query": "When?"}).json()
    assert (body["citations"], body["grounded"]) == ([], False)
    assert [one["url"] for one in body["nearest"]] == [CHUNK.url]


def test_an_answer_names_the_release_of_that_moment() -> None:
    releases = iter(["r1", "r2"])
    app = client(release=lambda: next(releases))
    told = [app.post("/rag", json={"query": "When?"}).json()["release"] for _ in range(2)]
    assert told == ["r1", "r2"]


@pytest.mark.parametrize("route", ["/rag", "/rag/stream", "/v1/chat/completions"])
def test_the_index_is_not_asked_for_the_release_on_the_event_loop(route: str) -> None:
    asked = []

    def release() -> str:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        asked.append(route)
        return "r1"

    body = {"model": "rag", "messages": [{"role": "user", "content": "When?"}]}
    answered = client(release=release).post(
        route, json=body if route.startswith("/v1") else {"query": "When?"}
    )
    assert "r1" in answered.text
    assert asked == [route]


def test_how_it_is_to_be_answered_reaches_the_service() -> None:
    oracle = Oracle()
    asked = {"query": "When?", "model": "openai:gpt-4o-mini", "verify": "strict"}
    client(oracle, models=("openai:gpt-4o-mini",)).post("/rag", json=asked)
    (request,) = oracle.requests
    assert (request.model, request.verify.value) == ("openai:gpt-4o-mini", "strict")
    assert request.as_of is None


@pytest.mark.parametrize("route", ["/rag", "/rag/stream"])
def test_the_earlier_turns_of_a_conversation_reach_the_service(route: str) -> None:
    oracle = Oracle()
    turns = [
        {"role": "user", "text": "Who built the ferry?"},
        {"role": "assistant", "text": "Nils Berg. [1]"},
    ]
    client(oracle).post(route, json={"query": "When did he?", "history": turns})
    (request,) = oracle.requests
    assert [turn.model_dump() for turn in request.history] == turns
    assert request.query.text == "When did he?"


@pytest.mark.parametrize("route", ["/rag", "/rag/stream"])
def test_a_model_that_is_not_allowed_is_refused_with_those_that_are(route: str) -> None:
    oracle = Oracle()
    app = client(oracle, models=("local:tiny", "local:large"))
    refused = app.post(route, json={"query": "When?", "model": "openai:o3"})
    assert refused.status_code == 422
    assert "'openai:o3'" in refused.json()["detail"]
    assert "local:tiny, local:large" in refused.json()["detail"]
    assert oracle.requests == []


def test_filters_and_top_k_reach_the_service() -> None:
    oracle = Oracle()
    client(oracle).post(
        "/rag", json={"query": "When?", "top_k": 3, "filters": {"authors": ["Ada Lovelace"]}}
    )
    ((query, k),) = oracle.asked
    assert (query.text, query.filters.authors, k) == ("When?", ("Ada Lovelace",), 3)


def test_two_requests_have_two_ids() -> None:
    app = client(Oracle())
    ids = {app.post("/rag", json={"query": "When?"}).json()["request_id"] for _ in range(2)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": " \n"}, "query"),
        ({"query": "x" * 2001}, "query"),
        ({"query": 7}, "query"),
        ({"query": "a", "top_k": 0}, "top_k"),
        ({"query": "a", "top_k": 10**9}, "top_k"),
        ({"query": "a", "top_k": -1}, "top_k"),
        ({"query": "a", "top_k": True}, "top_k"),
        ({"query": "a", "top_k": 2.5}, "top_k"),
        ({"query": "a", "top_k": "3"}, "top_k"),
        ({"query": "a", "model": ""}, "model"),
        ({"query": "a", "verify": "hard"}, "verify"),
        ({"query": "a", "as_of": "yesterday"}, "as_of"),
        ({"query": "a", "as_of": 0}, "as_of"),
        ({"query": "a", "history": [{"role": "system", "text": "b"}]}, "history"),
        ({"query": "a", "history": [{"role": "user", "text": " "}]}, "history"),
        ({"query": "a", "history": [{"role": "user", "text": "b" * 10_001}]}, "history"),
        ({"query": "a", "history": [{"role": "user", "text": "b"}] * 51}, "history"),
        ({"query": "a", "colour": "red"}, "colour"),
        ({"query": "a", "filters": {"autors": []}}, "autors"),
        ({"query": "a", "filters": {"categories": ["songs"]}}, "categories"),
        (
            {
                "query": "a",
                "filters": {
                    "published_from": "2026-01-01T00:00:00Z",
                    "published_to": "2025-01-01T00:00:00Z",
                },
            },
            "published_from is after published_to",
        ),
    ],
)
def test_a_bad_request_is_a_problem_that_names_the_field(body: object, named: str) -> None:
    oracle = Oracle()
    refused = client(oracle).post("/rag", json=body)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert named in refused.json()["detail"]
    assert oracle.asked == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"query": NaN}', b"null"])
def test_what_is_not_json_is_refused(content: bytes) -> None:
    refused = client(Oracle()).post(
        "/rag", content=content, headers={"content-type": "application/json"}
    )
    assert refused.status_code == 422


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreUnavailable("qdrant at secret-host:6333 is down"), 503),
        (ModelError("the model at secret-host said: 500"), 502),
        (ConfigurationError("secret-host: OPENAI_API_KEY is wrong"), 500),
        (PipelineError("secret-host"), 500),
    ],
)
def test_errors_become_problems_without_internals(
    error: PipelineError, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        failed = client(Oracle(error)).post("/rag", json={"query": "When?"})
    assert failed.status_code == status
    assert failed.headers["content-type"] == "application/problem+json"
    assert "secret-host" not in failed.text
    assert failed.json()["request_id"] in caplog.text


def test_the_reason_of_invalid_input_is_told_and_no_error_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = client(Oracle(InvalidInput("no such author: 'Nobody'"))).post(
        "/rag", json={"query": "When?"}
    )
    assert failed.status_code == 422
    assert "Nobody" in failed.json()["detail"]
    assert not [one for one in caplog.records if one.name.startswith("llm_engineering")]


@pytest.mark.parametrize("top_k", [3, 3.0])
def test_a_whole_number_may_be_written_with_a_point(top_k: float) -> None:
    oracle = Oracle()
    assert client(oracle).post("/rag", json={"query": "a", "top_k": top_k}).status_code == 200
    ((_, k),) = oracle.asked
    assert repr(k) == "3"


def test_the_openapi_page_documents_the_problems() -> None:
    paths = client(Oracle()).get("/openapi.json").json()["paths"]
    assert {"200", "422", "502", "503"} <= set(paths["/rag"]["post"]["responses"])


def test_an_answer_says_what_was_left_out_and_given_up() -> None:
    class Hasty(Oracle):
        def answer(self, request: AnswerRequest) -> Answer:
            marks = {"degraded": ("rerank",), "relaxed": ("authors",)}
            return super().answer(request).model_copy(update=marks)

    body = client(Hasty()).post("/rag", json={"query": "When?"}).json()
    assert (body["degraded"], body["relaxed"]) == (["rerank"], ["authors"])


def test_passages_come_with_every_score_and_how_they_were_found() -> None:
    oracle = Oracle()
    body = client(oracle).post("/retrieve", json={"query": "When?", "top_k": 3}).json()
    (passage,) = body["passages"]
    assert passage["scores"] == {"dense": 0.5, "fusion": 1.0}
    assert (passage["url"], passage["text"], passage["span"]) == (CHUNK.url, CHUNK.text, [40, 55])
    assert body["found_filters"]["authors"] == ["Ada Lovelace"]
    assert (body["relaxed"], body["degraded"]) == (["authors"], ["rerank"])
    assert body["timings_ms"] == {"total": 3.5}
    assert "/secret/place" not in str(body), "the reason of a failure stays inside"
    assert [(q.text, k) for q, k in oracle.asked] == [("When?", 3)]


def test_a_document_is_accounted_for() -> None:
    asked = {"query": "When?", "document": CHUNK.url, "filters": {"platforms": ["github"]}}
    oracle = Oracle()
    body = client(oracle).post("/explain", json=asked).json()
    assert (body["url"], body["fate"]) == (CHUNK.url, "below k")
    ((query, k),) = oracle.asked
    assert (query.filters.platforms, k) == (("github",), None)


@pytest.mark.parametrize(
    ("route", "body", "named"),
    [
        ("/retrieve", {"query": "x" * 20_000}, "query"),
        ("/retrieve", {"query": "a", "document": "https://example.org"}, "document"),
        ("/explain", {"query": "a"}, "document"),
        ("/explain", {"query": "a", "document": ""}, "document"),
        ("/explain", {"query": "a", "document": "https://example.org", "k": 2}, "k"),
    ],
)
def test_a_bad_request_for_passages_names_the_field(route: str, body: object, named: str) -> None:
    refused = client(Oracle()).post(route, json=body)
    assert refused.status_code == 422
    assert named in refused.json()["detail"]


@pytest.mark.parametrize("route", ["/rag", "/retrieve", "/explain"])
@pytest.mark.parametrize(
    ("error", "status"),
    [(StoreUnavailable("10.0.0.7 is down"), 503), (InvalidInput("no URL"), 422)],
)
def test_failures_have_their_status_on_every_route(
    route: str, error: Exception, status: int
) -> None:
    body = {"query": "When?"} | ({"document": CHUNK.url} if route == "/explain" else {})
    failed = client(Oracle(error)).post(route, json=body)
    assert failed.status_code == status
    assert "10.0.0.7" not in failed.text
