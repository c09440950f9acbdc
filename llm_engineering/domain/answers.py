"""What is asked, answers, and the places in the sources that carry them."""

from datetime import date
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import Field

from llm_engineering.domain.queries import Query
from llm_engineering.domain.types import Frozen


class Verification(StrEnum):
    """What becomes of a sentence that no passage supports: it is flagged, or taken out."""

    FLAG = "flag"
    STRICT = "strict"


class Turn(Frozen):
    """One earlier message of a conversation."""

    role: Literal["user", "assistant"]
    text: str


class AnswerRequest(Frozen):
    """A question and how it is to be answered.

    `k` is the number of passages to read and `model` the reference of the chat model, None for
    the configured ones. `as_of` asks for the revisions that were current on that day. `history`
    has the earlier turns of the conversation, oldest first. By `request_id` what is tracked of the
    question is found again; `trace_parent` is the caller's span, as W3C's `traceparent` names it.
    """

    query: Query
    k: int | None = Field(default=None, ge=1)
    model: str | None = None
    verify: Verification = Verification.FLAG
    as_of: date | None = None
    history: tuple[Turn, ...] = ()
    request_id: str = ""
    trace_parent: str = ""


class AnswerMode(StrEnum):
    """How an answer came to be: written by a model, quoted from the sources, or refused."""

    GENERATED = "generated"
    EXTRACTIVE = "extractive"
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
    """Tokens read and written by the chat model, and their cost where the price is known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None


class Answer(Frozen):
    """An answer with its citations; `grounded` is false when the sources do not say it.

    `question` is what was searched for: the question, made to stand alone when it followed on
    earlier turns. `unsupported` has the spans of `text` that no passage supports, `nearest` the
    passages that came closest when the answer is a refusal. `cached` says that it was answered
    before.
    `degraded` names the stages of retrieval that were left out, because they failed or were late;
    `relaxed` the restrictions that the question names and that were given up: nothing met them.
    """

    text: str
    question: str = ""
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[tuple[int, int], ...] = ()
    nearest: tuple[Citation, ...] = ()
    grounded: bool
    mode: AnswerMode
    model: str
    usage: Usage = Usage()
    timings_ms: dict[str, float] = Field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    relaxed: tuple[str, ...] = ()
    cached: bool = False
