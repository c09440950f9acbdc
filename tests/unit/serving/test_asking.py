import asyncio
import threading
from collections.abc import Generator
from contextlib import aclosing

import pytest

from llm_engineering.application.rag.generation import Done, Event, Sources, Token
from llm_engineering.domain.answers import AnswerRequest
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import Query
from llm_engineering.serving.access import Caller
from llm_engineering.serving.asking import Asking, Given
from llm_engineering.serving.deployment import Deployment
from tests.unit.serving.oracle import ANSWER, Oracle

REQUEST = AnswerRequest(query=Query(text="When?"))
TOLD: dict[bool, list[type]] = {True: [Sources, Token, Token, Done], False: [Sources, Done]}


@pytest.mark.parametrize("words", [True, False])
def test_words_are_told_to_those_who_want_them(words: bool) -> None:
    oracle, deployment = Oracle(), Deployment()
    asking = Asking(lambda: oracle, lambda: deployment)

    async def told() -> list[type]:
        async with aclosing(asking.events(REQUEST, Caller(), words=words)) as events:
            return [type(event) async for event in events]

    assert asyncio.run(told()) == TOLD[words]


class Endless(Oracle):
    """Goes on and on, until it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.closed = threading.Event(), threading.Event()

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        try:
            while not self.closed.wait(0.001):
                self.begun.set()
                yield Token("on ")
        finally:
            self.closed.set()


def test_the_whole_answer_comes_with_the_release_that_gave_it() -> None:
    asking = Asking(Oracle, lambda: Deployment(release=lambda: "index-7"))
    given = asyncio.run(asking.answer(REQUEST, Caller()))
    assert given == Given(ANSWER, "index-7")


def test_a_model_that_may_not_be_named_is_not_asked() -> None:
    oracle, deployment = Oracle(), Deployment(models=("a", "b"))
    asking = Asking(lambda: oracle, lambda: deployment)
    request = REQUEST.model_copy(update={"model": "c"})
    with pytest.raises(InvalidInput, match=r"model: 'c' may not be named \(allowed: a, b\)"):
        asyncio.run(asking.answer(request, Caller()))
    assert not oracle.asked


def test_who_stops_waiting_for_the_whole_answer_stops_the_model() -> None:
    endless, deployment = Endless(), Deployment()
    asking = Asking(lambda: endless, lambda: deployment)

    async def hung_up() -> None:
        waiting = asyncio.ensure_future(asking.answer(REQUEST, Caller()))
        await asyncio.to_thread(endless.begun.wait, 30)
        waiting.cancel()
        await asyncio.wait((waiting,))
        assert waiting.cancelled()

    asyncio.run(hung_up())
    assert endless.closed.wait(30)
