"""A question, and what has come back for it so far."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from llm_engineering.application.rag.generation import Done, Event, Sources, Token
from llm_engineering.application.rag.history import Past
from llm_engineering.domain.answers import Answer, Turn
from llm_engineering.domain.chunks import Chunk

_MOST_TURNS = 10  # exchanges that the next question may follow on


@dataclass(frozen=True)
class Exchange:
    """One question of a conversation and its answer.

    `number` counts the questions of the page from 1. `written` is the model's own text until it is
    checked, `answer` what is left of it afterwards, and `problem` why there is none.
    """

    number: int
    question: str
    request_id: str
    passages: tuple[Chunk, ...] = ()
    written: str = ""
    answer: Answer | None = None
    problem: str = ""

    def after(self, event: Past | Event) -> Self:
        """Returns the exchange with what an event tells."""
        match event:
            case Sources():
                return replace(self, passages=tuple(one.chunk for one in event.found))
            case Token():
                return replace(self, written=self.written + event.text)
            case Done():
                return replace(self, answer=event.answer)
        return self

    def failed(self, problem: str) -> Self:
        """Returns the exchange as it ends without an answer."""
        return replace(self, problem=problem)


def turns_of(exchanges: Sequence[Exchange]) -> tuple[Turn, ...]:
    """Returns the earlier turns of a conversation; questions without an answer are none."""
    answered = [(one.question, one.answer) for one in exchanges if one.answer]
    return tuple(
        turn
        for question, answer in answered[-_MOST_TURNS:]
        for turn in (Turn(role="user", text=question), Turn(role="assistant", text=answer.text))
    )
