"""What goes over the wire."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from llm_engineering.domain.answers import Answer, AnswerMode, Usage
from llm_engineering.domain.queries import SearchFilters


class RagRequest(BaseModel):
    """A question, what to restrict the search to, and how many passages to read."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"query": "How do I make a dataclass immutable?"}]},
    )

    query: str = Field(min_length=1, max_length=2000, pattern=r"\S")
    filters: SearchFilters = SearchFilters()
    top_k: int | None = Field(default=None, ge=1, le=20)


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
