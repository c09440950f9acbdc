"""Answers, and the places in the sources that carry them."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from llm_engineering.domain.types import Frozen


class AnswerMode(StrEnum):
    """How an answer came to be."""

    GENERATED = "generated"
    REFUSED = "refused"


class Citation(Frozen):
    """A mark `[n]` of the answer and the span that carries it.

    `quote` is the text from `start` to `end` (exclusive) of the revision's cleaned text.
    `score` (0.0-1.0) says how well the quote supports the sentence that cites it.
    """

    n: int = Field(ge=1)
    document_id: UUID
    revision: str
    url: str
    title: str
    author: str | None
    start: int
    end: int
    quote: str
    score: float


class Usage(Frozen):
    """Tokens read and written by the chat model."""

    input_tokens: int = 0
    output_tokens: int = 0


class Answer(Frozen):
    """An answer with its citations; `grounded` is false when the sources do not say it.

    `degraded` names the stages of retrieval that were left out, because they failed or were late;
    `relaxed` the restrictions that the question names and that were given up: nothing met them.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    grounded: bool
    mode: AnswerMode
    model: str
    usage: Usage = Usage()
    timings_ms: dict[str, float] = Field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    relaxed: tuple[str, ...] = ()
