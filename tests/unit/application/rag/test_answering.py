"""Requests on their way: made to stand alone, given before, or generated."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from langchain_core.outputs import ChatGenerationChunk

from llm_engineering.application.rag.answer_cache import GivenAnswers
from llm_engineering.application.rag.answering import AnswerPipeline
from llm_engineering.application.rag.conversation import QuestionRewriter
from llm_engineering.application.rag.generation import Done, Event, Sources, Token
from llm_engineering.domain.answers import Answer, AnswerMode, AnswerRequest, Turn, Usage
from llm_engineering.domain.errors import ModelError, PipelineError
from llm_engineering.domain.queries import Query
from llm_engineering.infrastructure.in_memory.answer_cache import InMemoryAnswerCache
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel
from tests.unit.application.rag.test_generation import SAYS, generator
from tests.unit.application.rag.test_retriever import CORPUS, GENERATION, index_of, retriever

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ASKED = "When does the bilge pump start?"
REQUEST = AnswerRequest(query=Query(text=ASKED))
HISTORY = (
    Turn(role="user", text="What does the bilge pump do?"),
    Turn(role="assistant", text="It empties the bilge [1]."),
)
FOLLOWS = AnswerRequest(query=Query(text="When does it start?"), history=HISTORY)


class House:
    """A pipeline over a scripted model, with a cache of its own."""

    def __init__(self, *answers: str | PipelineError, cached: bool = True) -> None:
        self.model = ScriptedChatModel(answers)
        self.index = index_of(*CORPUS)
        self.cache = InMemoryAnswerCache()
        ticks: Iterator[int] = count()
        given = GivenAnswers(
            self.cache, self.index, lambda: "r1", lambda: NOON, timedelta(hours=1), lambda: 0.0
        )
        self.pipeline = AnswerPipeline(
            generator(self.model, retriever(*CORPUS)),
            QuestionRewriter(self.model),
            given if cached else None,
            timer=lambda: float(next(ticks)),
        )

    def answer(self, request: AnswerRequest = REQUEST) -> Answer:
        return self.pipeline.answer(request)[0]

    def events(self, request: AnswerRequest = REQUEST) -> list[Event]:
        return list(self.pipeline.stream(request))


def test_a_question_asked_again_is_answered_without_the_model() -> None:
    house = House(SAYS)
    first, again = house.answer(), house.answer()
    assert (first.cached, again.cached) == (False, True)
    assert len(house.model.asked) == 1
    assert again.usage == Usage()
    assert list(again.timings_ms) == ["cache", "total"]
    kept = {"cached", "usage", "timings_ms"}
    assert again.model_dump(exclude=kept) == first.model_dump(exclude=kept)


def test_an_answer_given_before_has_the_same_events_with_the_same_sources() -> None:
    house = House(SAYS)
    sources, *tokens, _ = house.events()
    assert len(tokens) > 3
    again = house.events()
    assert [type(one) for one in again] == [Sources, Token, Done]
    assert isinstance(sources, Sources)
    assert isinstance(again[0], Sources)
    assert again[0].found == sources.found
    assert isinstance(again[1], Token)
    assert again[1].text == "The bilge pump starts at four centimetres. [1]"


def test_the_question_told_is_the_one_that_was_asked() -> None:
    house = House(SAYS)
    house.answer()
    spaced = AnswerRequest(query=Query(text=f"  {ASKED.replace(' ', '  ')}"))
    again = house.answer(spaced)
    assert (again.cached, again.question) == (True, spaced.query.text)


def test_without_a_cache_every_answer_is_written() -> None:
    house = House(SAYS, SAYS, cached=False)
    assert [house.answer().cached for _ in range(2)] == [False, False]
    assert len(house.model.asked) == 2


def test_an_answer_whose_passage_is_gone_is_written_anew() -> None:
    house = House(SAYS, SAYS)
    house.answer()
    house.index.delete(GENERATION, [CORPUS[1].id])
    house.index.commit(GENERATION)
    assert not house.answer().cached


def test_a_refusal_and_a_quoted_answer_are_not_kept() -> None:
    house = House("The sources do not say.", ModelError("down"), SAYS)
    assert house.answer().mode is AnswerMode.REFUSED
    assert house.answer().mode is AnswerMode.EXTRACTIVE
    assert house.answer().mode is AnswerMode.GENERATED
    assert house.answer().cached


def test_a_stream_that_breaks_is_not_kept() -> None:
    class Breaking(ScriptedChatModel):
        def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
            yield from list(super()._stream(*args, **kwargs))[:3]
            raise ModelError("cut")

    house = House()
    ticks: Iterator[int] = count()
    broken = AnswerPipeline(
        generator(Breaking(answers=[SAYS])),
        QuestionRewriter(None),
        GivenAnswers(
            house.cache, house.index, lambda: "r1", lambda: NOON, timedelta(hours=1), lambda: 0.0
        ),
        timer=lambda: float(next(ticks)),
    )
    with pytest.raises(ModelError, match="cut"):
        broken.answer(REQUEST)
    assert house.cache.count([one.document_id for one in CORPUS]) == 0


def test_a_reader_who_hangs_up_after_the_answer_leaves_it_for_others() -> None:
    house = House(SAYS)
    stream = house.pipeline.stream(REQUEST)
    while not isinstance(next(stream), Done):
        pass
    stream.close()
    assert house.answer().cached


def test_a_reader_who_hangs_up_before_leaves_nothing() -> None:
    house = House(SAYS)
    stream = house.pipeline.stream(REQUEST)
    next(stream)
    stream.close()
    assert house.cache.count([one.document_id for one in CORPUS]) == 0


def test_a_follow_up_is_searched_and_answered_as_a_question_of_its_own() -> None:
    house = House(ASKED, SAYS)
    answer = house.answer(FOLLOWS)
    assert (answer.question, answer.grounded, answer.degraded) == (ASKED, True, ())
    assert house.model.asked[1][-1].text.endswith(f"Question: {ASKED}")
    stages = list(answer.timings_ms)
    assert (stages[0], stages[-1]) == ("conversation", "total")
    asked, written = (sum(len(one.text.split()) for one in call) for call in house.model.asked)
    assert answer.usage.input_tokens == asked + written
    assert answer.usage.output_tokens == len(ASKED.split()) + len(SAYS.split())


def test_a_follow_up_finds_what_was_answered_as_a_question_of_its_own() -> None:
    house = House(SAYS, ASKED)
    house.answer(REQUEST)
    again = house.answer(FOLLOWS)
    assert (again.cached, again.question) == (True, ASKED)
    assert again.usage.output_tokens == len(ASKED.split())  # of the rewriting
    assert list(again.timings_ms) == ["conversation", "cache", "total"]


def test_a_follow_up_that_cannot_be_rewritten_is_asked_as_it_is_and_says_so() -> None:
    house = House(ModelError("down"), SAYS)
    answer = house.answer(FOLLOWS)
    assert answer.question == FOLLOWS.query.text
    assert answer.degraded[0] == "conversation"
    assert len(house.model.asked) == 2


def test_what_was_not_understood_is_not_given_for_another_conversation() -> None:
    house = House(ModelError("down"), SAYS, ModelError("down"), SAYS)
    house.answer(FOLLOWS)
    other = FOLLOWS.model_copy(update={"history": HISTORY[:1]})
    assert house.answer(other).degraded == ("conversation",)


def test_as_of_a_day_is_never_given_from_before() -> None:
    house = House(SAYS, SAYS, SAYS)
    day = REQUEST.model_copy(update={"as_of": date(2026, 5, 1)})
    assert [house.answer(one).cached for one in (day, REQUEST, day)] == [False, False, False]
