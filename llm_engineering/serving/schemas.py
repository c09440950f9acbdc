"""What goes over the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from llm_engineering.domain.answers import Answer, AnswerMode, Usage
from llm_engineering.domain.queries import Retrieval, ScoredChunk, SearchFilters


class RagRequest(BaseModel):
    """A question, what to restrict the search to, and how many passages to read."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"query": "How do I make a dataclass immutable?"}]},
    )

    query: str = Field(min_length=1, max_length=2000, pattern=r"\S")
    filters: SearchFilters = SearchFilters()
    top_k: int | None = Field(default=None, ge=1, le=20)


class ExplainRequest(RagRequest):
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
    request_id: UUID

    @classmethod
    def of(cls, found: Retrieval, request_id: UUID) -> "RetrieveResponse":
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


class RagResponse(BaseModel):
    """The answer. `grounded` is false, and the answer a refusal, when the sources do not say.

    `degraded` names stages of retrieval that were left out, because they failed or were late;
    `relaxed` restrictions that the question names and that were given up: nothing met them.
    """

    answer: str
    citations: list[CitationOut]
    grounded: bool
    mode: AnswerMode
    model: str
    usage: Usage
    timings_ms: dict[str, float]
    degraded: tuple[str, ...]
    relaxed: tuple[str, ...]
    request_id: UUID

    @classmethod
    def of(cls, answer: Answer, request_id: UUID) -> "RagResponse":
        """Returns the response that carries an answer."""
        return cls(
            answer=answer.text,
            citations=[
                CitationOut(
                    span=(citation.start, citation.end),
                    **citation.model_dump(exclude={"start", "end"}),
                )
                for citation in answer.citations
            ],
            grounded=answer.grounded,
            mode=answer.mode,
            model=answer.model,
            usage=answer.usage,
            timings_ms=answer.timings_ms,
            degraded=answer.degraded,
            relaxed=answer.relaxed,
            request_id=request_id,
        )


class Problem(BaseModel):
    """What went wrong (RFC 9457), without internals; `request_id` finds it in the log."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: UUID
