from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from langchain_core.outputs import ChatGenerationChunk

from llm_engineering.application.rag.citations import CitationChecker
from llm_engineering.application.rag.generation import (
    AnswerGenerator,
    Done,
    Event,
    Sources,
    Token,
)
from llm_engineering.application.rag.prompts import REFUSAL
from llm_engineering.application.rag.retriever import ContextRetriever
from llm_engineering.domain.answers import AnswerMode, AnswerRequest, Verification
from llm_engineering.domain.errors import ModelError
from llm_engineering.domain.queries import Query
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel
from tests.unit.application.rag.test_retriever import CORPUS, MODEL, WORDS, retriever

SAYS = "The bilge pump starts at four centimetres [1]."
QUESTION = AnswerRequest(query=Query(text="When does the bilge pump start?"))


def generator(
    model: ScriptedChatModel | None, context: ContextRetriever | None = None, **options: Any
) -> AnswerGenerator:
    ticks: Iterator[int] = count()
    return AnswerGenerator(
        context or retriever(*CORPUS),
        model,
        "scripted:one",
        CitationChecker(MODEL, WORDS),
        timer=lambda: float(next(ticks)),
        **options,
    )


def events(model: ScriptedChatModel) -> list[Event]:
    return list(generator(model).stream(QUESTION))


def test_an_answer_is_cited_and_says_what_it_cost() -> None:
    answer, found = generator(ScriptedChatModel([SAYS])).answer(QUESTION)
    assert answer.text == "The bilge pump starts at four centimetres. [1]"
    assert answer.citations[0].url == found[0].chunk.url == "https://example.org/1"
    assert answer.grounded
    assert answer.mode is AnswerMode.GENERATED
    assert answer.model == "scripted:one"
    assert answer.usage.output_tokens == len(SAYS.split())
    assert answer.usage.input_tokens > 0
    assert list(answer.timings_ms) == ["retrieve", "first_token", "generate", "check", "total"]
    assert all(value > 0 for value in answer.timings_ms.values())


def test_sources_come_first_then_the_words_then_the_checked_answer() -> None:
    stream = events(ScriptedChatModel([SAYS]))
    assert isinstance(stream[0], Sources)
    assert isinstance(stream[-1], Done)
    words = [event.text for event in stream[1:-1] if isinstance(event, Token)]
    assert "".join(words) == SAYS
    assert len(words) > 3


def test_the_model_reads_the_passages_and_the_question() -> None:
    model = ScriptedChatModel([SAYS])
    generator(model).answer(QUESTION)
    asked = model.asked[0][-1].text
    assert "[1] " in asked
    assert "the bilge pump starts at four centimetres" in asked
    assert asked.endswith(f"Question: {QUESTION.query.text}")


def test_it_does_not_read_what_has_few_words_of_the_question() -> None:
    model = ScriptedChatModel([SAYS])
    _, found = generator(model).answer(QUESTION)
    read = model.asked[0][-1].text
    assert found[0].chunk.text in read
    assert [one for one in found if one.chunk.text not in read], "the retriever found others, too"


@pytest.mark.parametrize("named", ["Berta", "4711", "Anna Holm"])
def test_a_name_that_no_passage_has_is_refused_without_asking_the_model(named: str) -> None:
    model = ScriptedChatModel([SAYS])
    asked = AnswerRequest(query=Query(text=f"when does the bilge pump of {named} start"))
    answer, found = generator(model).answer(asked)
    assert (answer.mode, answer.text) == (AnswerMode.REFUSED, REFUSAL)
    assert answer.nearest[0].url == found[0].chunk.url
    assert model.asked == []


def test_a_refusal_that_the_model_doubts_gives_way_to_a_quote() -> None:
    asked = AnswerRequest(query=Query(text="the bilge pump starts at how many centimetres"))
    answer, _ = generator(ScriptedChatModel([REFUSAL], log_probability=-2.0)).answer(asked)
    assert answer.mode is AnswerMode.EXTRACTIVE
    assert "the bilge pump starts at four centimetres" in answer.text
    assert answer.grounded


@pytest.mark.parametrize(
    "said",
    [
        REFUSAL,
        "The passages do not mention a pump.",
        "The sources do not answer the question.",
        "Whales sing in spring, far from any harbour.",
        "",
    ],
)
def test_what_the_sources_do_not_say_is_refused(said: str) -> None:
    answer, _ = generator(ScriptedChatModel([said])).answer(QUESTION)
    assert answer.text == REFUSAL
    assert not answer.grounded
    assert answer.citations == ()
    assert answer.mode is AnswerMode.REFUSED


def test_without_passages_the_model_is_not_asked() -> None:
    model = ScriptedChatModel([])
    answer, found = generator(model, retriever()).answer(QUESTION)
    assert (answer.text, found, model.asked) == (REFUSAL, (), [])


class BreakingChatModel(ScriptedChatModel):
    """Fails after the first word."""

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        yield next(super()._stream(*args, **kwargs))
        raise ModelError("the line is dead", transient=True)


def test_a_model_that_fails_at_once_leaves_a_quoted_answer() -> None:
    stream = events(ScriptedChatModel([ModelError("overloaded")]))
    done = stream[-1]
    assert [type(event) for event in stream] == [Sources, Done]
    assert isinstance(done, Done)
    assert done.answer.text == "the bilge pump starts at four centimetres [1]"
    assert done.answer.mode is AnswerMode.EXTRACTIVE
    assert done.answer.grounded
    assert done.answer.degraded == ("scripted:one",)
    assert done.answer.citations[0].url == "https://example.org/1"


def test_without_a_model_the_answer_is_quoted_too() -> None:
    answer, _ = generator(None).answer(QUESTION)
    assert (answer.mode, answer.degraded) == (AnswerMode.EXTRACTIVE, ("scripted:one",))


def test_a_failing_model_and_passages_of_something_else_are_a_refusal() -> None:
    request = AnswerRequest(query=Query(text="Quis custodiet ipsos custodes?"))
    answer, _ = generator(ScriptedChatModel([ModelError("overloaded")])).answer(request)
    assert (answer.mode, answer.degraded) == (AnswerMode.REFUSED, ("scripted:one",))


def test_an_answer_that_breaks_off_is_an_error() -> None:
    stream = generator(BreakingChatModel(answers=[SAYS])).stream(QUESTION)
    with pytest.raises(ModelError, match="the line is dead"):
        list(stream)


def test_sentences_without_support_are_flagged_or_with_strict_taken_out() -> None:
    said = f"{SAYS} Whales sing in spring."
    flagged, _ = generator(ScriptedChatModel([said])).answer(QUESTION)
    ((start, end),) = flagged.unsupported
    assert flagged.text[start:end] == "Whales sing in spring."
    request = QUESTION.model_copy(update={"verify": Verification.STRICT})
    strict, _ = generator(ScriptedChatModel([said])).answer(request)
    assert strict.text == "The bilge pump starts at four centimetres. [1]"
    assert strict.unsupported == ()


def test_a_refusal_names_what_came_closest() -> None:
    answer, _ = generator(ScriptedChatModel([REFUSAL])).answer(QUESTION)
    assert answer.nearest[0].url == "https://example.org/1"
    assert answer.nearest[0].quote == "the bilge pump starts at four centimetres"
    assert [one.n for one in answer.nearest] == list(range(1, len(answer.nearest) + 1))


def test_the_model_reads_no_more_than_the_budget() -> None:
    model = ScriptedChatModel([SAYS])
    small = generator(model, context_tokens=16)
    _, found = small.answer(QUESTION)
    assert len(found) > 1
    assert "[1] " in model.asked[0][-1].text
    assert "[2] " not in model.asked[0][-1].text


def test_a_tokenizer_that_cannot_be_loaded_is_replaced_by_an_estimate() -> None:
    def fails(_: str) -> int:
        raise ModelError("no weights")

    answer, _ = generator(ScriptedChatModel([SAYS]), count_tokens=fails).answer(QUESTION)
    assert answer.grounded


def test_what_is_streamed_links_nowhere() -> None:
    said = "![a](https://evil.example/?q=1) The bilge pump starts at four centimetres [1]."
    stream = events(ScriptedChatModel([said]))
    words = "".join(event.text for event in stream if isinstance(event, Token))
    assert "evil" not in words
    assert "four centimetres" in words


def test_closing_the_stream_stops_the_model() -> None:
    stream = generator(ScriptedChatModel([SAYS])).stream(QUESTION)
    assert isinstance(next(stream), Sources)
    assert isinstance(next(stream), Token)
    stream.close()
    assert list(stream) == []


def test_warming_up_reads_the_beginning_of_every_prompt() -> None:
    model = ScriptedChatModel(["", SAYS])
    warm = generator(model)
    warm.warm_up(model_in_process=True)
    warm.answer(QUESTION)
    first, second = model.asked
    assert first[:-1] == second[:-1]
    assert model.settings[0] == {"max_tokens": 1}


def test_a_model_elsewhere_is_not_asked_to_warm_up() -> None:
    model = ScriptedChatModel([])
    generator(model).warm_up(model_in_process=False)
    assert model.asked == []
