"""Streams, over whatever a model may write: every event is whole and in its place."""

import json
from collections.abc import Generator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from llm_engineering.application.rag.generation import Done, Event, Sources, Token
from llm_engineering.domain.answers import Answer, AnswerMode, AnswerRequest
from llm_engineering.domain.errors import ModelError, StoreUnavailable
from tests.unit.serving.oracle import ANSWER, FOUND, Oracle, client

ODD = (
    "\n\n",
    "\r\n",
    "data: ",
    "event: done\ndata: {}",
    "\u2028",
    "\x00",
    "[DONE]",
    "🚢",
    " ",
    "[1]",
)
TEXT = st.lists(st.text(max_size=12) | st.sampled_from(ODD), max_size=6).map("".join)
CHAT = {"model": "rag", "messages": [{"role": "user", "content": "When?"}], "stream": True}


class Writing(Oracle):
    """Writes these words, and then the checked text; fails after so many words, if told to."""

    words: tuple[str, ...] = ()
    text = ""
    fails_after: int | None = None
    closed = 0

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        try:
            yield Sources(FOUND)
            for n, word in enumerate(self.words):
                if n == self.fails_after:
                    raise ModelError("the provider hung up at 10.0.0.7")
                yield Token(word)
            yield Done(ANSWER.model_copy(update={"text": self.text, "unsupported": ()}))
        finally:
            self.closed += 1

    def answer(self, request: AnswerRequest) -> Answer:
        raise NotImplementedError


@cache
def writing() -> tuple[Writing, TestClient]:
    oracle = Writing()
    return oracle, client(oracle)


def streamed(
    route: str, body: object, words: list[str], text: str, fails_after: int | None = None
) -> list[str]:
    """Returns the events, which are between blank lines, of one streamed answer."""
    oracle, app = writing()
    oracle.words, oracle.text, oracle.fails_after = tuple(words), text, fails_after
    before = oracle.closed
    response = app.post(route, json=body)
    assert response.status_code == 200
    assert oracle.closed == before + 1, "the model is stopped"
    content = response.content.decode()
    assert content.endswith("\n\n")
    assert "\r" not in content
    return content.removesuffix("\n\n").split("\n\n")


def named(events: list[str]) -> list[tuple[str, dict[str, object]]]:
    found = []
    for event in events:
        name, data = event.split("\n")
        assert name.startswith("event: ")
        assert data.startswith("data: ")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def chunks(events: list[str]) -> list[dict[str, object]]:
    assert all(event.startswith("data: ") and "\n" not in event for event in events)
    return [json.loads(event.removeprefix("data: ")) for event in events if event != "data: [DONE]"]


def told(found: list[dict[str, object]]) -> str:
    """Returns what an OpenAI client puts together."""
    deltas = [one["choices"][0]["delta"] for one in found if one.get("choices")]  # type: ignore[index]
    return "".join(str(delta.get("content") or "") for delta in deltas)


@settings(max_examples=40)
@given(st.lists(TEXT, max_size=5), TEXT)
def test_server_sent_events_hold_whatever_is_written(words: list[str], text: str) -> None:
    events = named(streamed("/rag/stream", {"query": "When?"}, words, text))
    names = [name for name, _ in events]
    assert names == ["sources", *["token"] * len(words), "citations", "done"]
    assert [data["text"] for name, data in events if name == "token"] == words
    assert events[-1][1]["answer"] == text


@settings(max_examples=40)
@given(st.lists(TEXT, max_size=5), TEXT)
def test_the_checked_answer_arrives_whole_at_openais_clients(words: list[str], text: str) -> None:
    events = streamed("/v1/chat/completions", CHAT, words, text)
    assert events[-1] == "data: [DONE]"
    found = chunks(events)
    assert told(found) == text
    assert found[-1]["answer"] == text
    assert len({one["id"] for one in found}) == 1


@settings(max_examples=40)
@given(st.lists(TEXT, max_size=5), TEXT)
def test_unchecked_words_arrive_as_they_were_written(words: list[str], text: str) -> None:
    found = chunks(streamed("/v1/chat/completions", {**CHAT, "unchecked": True}, words, text))
    assert told(found) == "".join(words)
    assert found[-1]["answer"] == text, "the last chunk has what is left of it"


@pytest.mark.parametrize("fails_after", [0, 1, 3])
def test_a_stream_that_breaks_off_ends_with_its_error(fails_after: int) -> None:
    words = ["It ", "turns ", "twice ", "a day."]
    events = named(streamed("/rag/stream", {"query": "When?"}, words, "", fails_after))
    assert [name for name, _ in events] == ["sources", *["token"] * fails_after, "error"]
    assert events[-1][1]["status"] == 502
    assert "10.0.0.7" not in json.dumps(events)


@pytest.mark.parametrize("unchecked", [True, False])
@pytest.mark.parametrize("fails_after", [0, 2])
def test_openais_clients_hear_of_it_too_and_not_that_it_is_done(
    fails_after: int, unchecked: bool
) -> None:
    body = {**CHAT, "unchecked": unchecked}
    events = streamed("/v1/chat/completions", body, ["It ", "turns ", "twice."], "", fails_after)
    assert "data: [DONE]" not in events
    *_, last = chunks(events)
    assert last["error"]["type"] == "server_error"  # type: ignore[index]
    assert "10.0.0.7" not in "".join(events)


@pytest.mark.parametrize("mode", list(AnswerMode))
def test_however_the_answer_came_to_be_the_stream_ends_alike(mode: AnswerMode) -> None:
    class Quoting(Oracle):
        def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
            yield Sources(FOUND)
            yield Done(ANSWER.model_copy(update={"mode": mode}))

    events = client(Quoting()).post("/rag/stream", json={"query": "When?"}).text
    assert [name for name, _ in named(events.removesuffix("\n\n").split("\n\n"))] == [
        *("sources", "citations", "done")
    ]


def test_an_outage_before_the_first_event_is_no_stream() -> None:
    class Down(Oracle):
        def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
            raise StoreUnavailable("qdrant is down")
            yield

    for route, body in (("/rag/stream", {"query": "When?"}), ("/v1/chat/completions", CHAT)):
        response = client(Down()).post(route, json=body)
        assert response.status_code == 503
        assert not response.headers["content-type"].startswith("text/event-stream")
