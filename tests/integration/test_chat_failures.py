"""The chain of models over providers that fail in every way HTTP allows."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import pytest

from llm_engineering.application.rag.fallbacks import MODEL, SKIPPED, ChatModelChain, Patience
from llm_engineering.domain.errors import ModelError
from tests.integration.scripted_provider import Reply, ScriptedProvider, scripted_provider
from tests.integration.test_chat_providers import GEMINI, STREAM, chat_completion, model_of

OPENAI, GOOGLE, HUGGINGFACE = "openai:first", "google:first", "huggingface:owner/first"
BACKUP = "openai:backup"
ANSWER = Reply.events(STREAM)
PATIENCE = Patience(first_token_s=0.4, idle_s=0.3, backoff_s=0.01)
GEMINI_STREAM = Reply(f"data: {json.dumps(GEMINI)}\n\n".encode(), content_type="text/event-stream")


@dataclass(frozen=True)
class Houses:
    """The provider that fails and the one behind it; `chain` asks both."""

    first: ScriptedProvider
    backup: ScriptedProvider
    folder: Path

    def chain(self, reference: str, patience: Patience = PATIENCE) -> ChatModelChain:
        models = {
            reference: model_of(reference, self.first, self.folder),
            BACKUP: model_of(BACKUP, self.backup, self.folder),
        }
        return ChatModelChain(models=models, patience=patience)


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[Houses]:
    with ExitStack() as stack:
        first = stack.enter_context(scripted_provider(ANSWER))
        yield Houses(first, stack.enter_context(scripted_provider(ANSWER)), tmp_path)


def error(status: int, message: str = "no") -> Reply:
    body = {"error": {"code": status, "message": message, "status": "NO"}}
    return Reply.json(body, status)


FAILURES = {
    "401": (error(401), 1, "check .*_(KEY|TOKEN)"),
    "400 context too long": (error(400, "context too long"), 1, "HTTP 400"),
    "429": (error(429), 3, "HTTP 429"),
    "500": (error(500), 3, "HTTP 500"),
    "hang before headers": (Reply(b"", hangs=True), 3, "nothing came for"),
    "not JSON": (Reply(b"<html>proxy</html>", content_type="text/event-stream"), 3, ""),
    "cut before a word": (
        Reply(b'data: {"id": "1", "cho', content_type="text/event-stream", cut=True),
        3,
        "",
    ),
}


@pytest.mark.parametrize("reference", [OPENAI, GOOGLE, HUGGINGFACE])
@pytest.mark.parametrize("failure", FAILURES)
def test_the_next_model_answers_when_one_fails_before_its_first_word(
    houses: Houses, reference: str, failure: str
) -> None:
    if reference == HUGGINGFACE:
        pytest.importorskip("langchain_huggingface")
    reply, tries, reason = FAILURES[failure]
    houses.first.replies[:] = [reply]
    answer = houses.chain(reference).invoke("Hi")
    assert answer.text == "Hello there"
    assert answer.response_metadata[MODEL] == BACKUP
    skipped = answer.response_metadata[SKIPPED]
    assert list(skipped) == [reference]
    assert len(houses.first.requests) == tries
    assert "canary" not in skipped[reference]
    if reason:
        assert re.search(reason, skipped[reference]), skipped


@pytest.mark.parametrize(
    ("reference", "good"), [(OPENAI, ANSWER), (GOOGLE, GEMINI_STREAM), (HUGGINGFACE, ANSWER)]
)
def test_retry_after_is_waited_for_and_the_model_asked_again(
    houses: Houses, reference: str, good: Reply
) -> None:
    if reference == HUGGINGFACE:
        pytest.importorskip("langchain_huggingface")
    houses.first.replies[:] = [error(429).with_header("Retry-After", "1"), good]
    began = perf_counter()
    answer = houses.chain(reference).invoke("Hi")
    assert (answer.text, answer.response_metadata[MODEL]) == ("Hello there", reference)
    assert perf_counter() - began >= 1


def test_a_model_that_asks_for_more_patience_than_there_is_is_passed_over(houses: Houses) -> None:
    houses.first.replies[:] = [error(429).with_header("Retry-After", "3600")]
    assert houses.chain(OPENAI).invoke("Hi").response_metadata[MODEL] == BACKUP
    assert len(houses.first.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [Reply.events(STREAM[:1], cut=True), Reply(Reply.events(STREAM[:1], cut=True).body,
     content_type="text/event-stream", stalls=True)],
    ids=["cut", "too slow"],
)  # fmt: skip
def test_a_stream_that_breaks_after_a_word_is_an_error_and_nobody_else_goes_on(
    houses: Houses, reply: Reply
) -> None:
    houses.first.replies[:] = [reply]
    pieces: list[str] = []
    with pytest.raises(ModelError) as failed:
        pieces.extend(str(piece.text) for piece in houses.chain(OPENAI).stream("Hi"))
    assert "".join(pieces) == "Hello"
    assert failed.value.transient
    assert not houses.backup.requests


def test_an_answer_without_choices_is_passed_over(houses: Houses) -> None:
    houses.first.replies[:] = [Reply.events([{**STREAM[0], "choices": None}])]
    assert houses.chain(OPENAI).invoke("Hi").response_metadata[MODEL] == BACKUP


def test_when_everybody_fails_it_says_why_by_name(houses: Houses) -> None:
    houses.first.replies[:] = [error(401)]
    houses.backup.replies[:] = [error(500)]
    with pytest.raises(ModelError) as failed:
        houses.chain(OPENAI).invoke("Hi")
    assert "OPENAI_API_KEY" in str(failed.value)
    assert f"{BACKUP}: " in str(failed.value)
    assert "HTTP 500" in str(failed.value)


def test_a_model_that_keeps_failing_is_left_alone(houses: Houses) -> None:
    houses.first.replies[:] = [error(500)]
    chain = houses.chain(OPENAI, Patience(retries=0, failures=2))
    for _ in range(4):
        assert chain.invoke("Hi").response_metadata[MODEL] == BACKUP
    assert len(houses.first.requests) == 2


def test_structured_answers_fall_back_too(houses: Houses) -> None:
    houses.first.replies[:] = [error(500)]
    houses.backup.replies[:] = [Reply.json(chat_completion('{"author": "Ada"}'))]
    schema = {
        "title": "Filter",
        "type": "object",
        "properties": {"author": {"type": "string"}},
        "required": ["author"],
        "additionalProperties": False,
    }
    assert houses.chain(OPENAI).with_structured_output(schema).invoke("Who?") == {"author": "Ada"}
