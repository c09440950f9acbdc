"""What goes over the wire."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from llm_engineering.application.rag.history import PastReport
from llm_engineering.domain.answers import Answer, AnswerMode, Citation, Usage, Verification
from llm_engineering.domain.queries import Retrieval, ScoredChunk, SearchFilters
from llm_engineering.serving.limits import (
    MAX_QUERY_CHARACTERS,
    MAX_TOP_K,
    MAX_TURN_CHARACTERS,
    MAX_TURNS,
)


def _written(value: object) -> object:
    """Returns a date as it was written; a number would be taken for seconds since 1970."""
    if value is not None and not isinstance(value, str):
        raise ValueError("write a date such as 2026-05-01")
    return value


def _whole(value: object) -> object:
    """Returns a whole number as such: to JSON 3.0 is one, and `true` is none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


TopK = Annotated[int | None, Field(ge=1, le=MAX_TOP_K, strict=True), BeforeValidator(_whole)]
Day = Annotated[date | None, BeforeValidator(_written)]


class SearchRequest(BaseModel):
    """A question, what to restrict the search to, and how many passages to read."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"query": "How do I make a dataclass immutable?"}]},
    )

    query: str = Field(min_length=1, max_length=MAX_QUERY_CHARACTERS, pattern=r"\S")
    filters: SearchFilters = SearchFilters()
    top_k: TopK = None


class EarlierTurn(BaseModel):
    """What the reader, or the assistant, said before."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"]
    text: str = Field(min_length=1, max_length=MAX_TURN_CHARACTERS, pattern=r"\S")


class RagRequest(SearchRequest):
    """A question and how it is to be answered.

    `model` is one of the chat models that the service lets requests name. With `verify: strict`
    sentences that no passage supports are taken out, else they are listed in `unsupported`.
    `as_of` asks for the revisions that were current at the end of that day (UTC). `history` has the
    earlier turns of the conversation, oldest first: a question that needs them is made to stand
    alone, and `question` of the answer shows how.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "query": "How do I make a dataclass immutable?",
                    "filters": {"platforms": ["docs.python.org"]},
                    "top_k": 4,
                    "verify": "strict",
                }
            ]
        }
    )

    model: str | None = Field(default=None, min_length=1, max_length=200)
    verify: Verification = Verification.FLAG
    as_of: Day = None
    history: tuple[EarlierTurn, ...] = Field(default=(), max_length=MAX_TURNS)


class ExplainRequest(SearchRequest):
    """A question as for `/retrieve`, and the URL of the document to account for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "query": "How do I make a dataclass immutable?",
                    "document": "https://docs.python.org/3/library/dataclasses.html",
                }
            ]
        }
    )

    document: str = Field(min_length=1, max_length=2000)


class PassageOut(BaseModel):
    """A passage, the span of its page's cleaned text, and its score after every stage."""

    chunk_id: UUID
    document_id: UUID
    revision: str
    url: str
    title: str
    author: str | None
    platform: str
    published: datetime | None
    heading_path: tuple[str, ...]
    span: tuple[int, int]
    text: str
    scores: dict[str, float]

    @classmethod
    def of(cls, found: ScoredChunk) -> "PassageOut":
        """Returns the passage as it goes over the wire."""
        chunk = found.chunk
        own = chunk.model_dump(include=set(cls.model_fields))
        return cls(
            **own,
            chunk_id=chunk.id,
            author=chunk.author_full_name,
            span=(chunk.start, chunk.end),
            scores=found.scores,
        )


class RetrieveResponse(BaseModel):
    """Passages, best first, and how they were found.

    `found_filters` are restrictions that the question itself names; those in `relaxed` were given
    up: nothing met them. `degraded` names stages that were left out, because they failed or were
    late. `reranker` names the model that ordered the passages, if one did.
    """

    passages: list[PassageOut]
    found_filters: SearchFilters
    relaxed: tuple[str, ...]
    variants: tuple[str, ...]
    degraded: tuple[str, ...]
    reranker: str | None
    timings_ms: dict[str, float]
    request_id: str

    @classmethod
    def of(cls, found: Retrieval, request_id: str) -> "RetrieveResponse":
        """Returns the response that carries what was found; reasons of failures stay inside."""
        return cls(
            passages=[PassageOut.of(passage) for passage in found.passages],
            found_filters=found.found_filters,
            relaxed=found.relaxed,
            variants=found.variants,
            degraded=tuple(found.degraded),
            reranker=found.reranker,
            timings_ms=found.timings_ms,
            request_id=request_id,
        )


class CitationOut(BaseModel):
    """The mark `[n]` of the answer: the page, and the span of its cleaned text that carries it."""

    n: int
    url: str
    title: str
    author: str | None
    document_id: UUID
    revision: str
    span: tuple[int, int]
    quote: str
    score: float

    @classmethod
    def of(cls, citation: Citation) -> "CitationOut":
        """Returns the citation as it goes over the wire."""
        own = citation.model_dump(exclude={"start", "end"})
        return cls(span=(citation.start, citation.end), **own)


class RagResponse(BaseModel):
    """The answer. `grounded` is false, and the answer a refusal, when the sources do not say.

    `question` is what was searched for. `unsupported` has the spans of the answer that no passage
    supports, `nearest` the passages that came closest to a question that is refused. `degraded`
    names stages that were left out, because they failed or were late; `relaxed` restrictions that
    the question names and that were given up: nothing met them. `cached` says that it was answered
    before, `release` what answers: index, models and prompt. `as_of` is there when it was asked
    for, and says of how many documents the index has no longer the revision of that day.
    """

    answer: str
    question: str
    citations: list[CitationOut]
    nearest: list[CitationOut]
    unsupported: list[tuple[int, int]]
    grounded: bool
    mode: AnswerMode
    model: str
    usage: Usage
    timings_ms: dict[str, float]
    degraded: tuple[str, ...]
    relaxed: tuple[str, ...]
    cached: bool
    release: str
    as_of: PastReport | None
    request_id: str

    @classmethod
    def of(
        cls, answer: Answer, request_id: str, release: str, past: PastReport | None = None
    ) -> "RagResponse":
        """Returns the response that carries an answer."""
        same = ("question", "grounded", "mode", "model", "usage", "timings_ms", "degraded")
        return cls(
            **{name: getattr(answer, name) for name in (*same, "relaxed", "cached")},
            answer=answer.text,
            citations=[CitationOut.of(one) for one in answer.citations],
            nearest=[CitationOut.of(one) for one in answer.nearest],
            unsupported=list(answer.unsupported),
            release=release,
            as_of=past,
            request_id=request_id,
        )
