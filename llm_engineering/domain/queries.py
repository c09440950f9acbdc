"""Questions and what they are restricted to."""

from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.embedded_chunks import SparseVector
from llm_engineering.domain.types import DataCategory, Frozen


class SearchFilters(Frozen):
    """Restrictions on the chunks to search; an empty tuple or None restricts nothing.

    Values of one field are alternatives, fields are combined with *and*. The dates are inclusive;
    a chunk without a published date matches no date restriction.
    """

    authors: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    categories: tuple[DataCategory, ...] = ()
    document_ids: tuple[UUID, ...] = ()
    published_from: AwareDatetime | None = None
    published_to: AwareDatetime | None = None

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.published_from and self.published_to and self.published_from > self.published_to:
            raise ValueError("published_from is after published_to")
        return self


class Query(Frozen):
    """A question and its filters. `text` has 1 to 20,000 characters, not all of them blank."""

    text: str = Field(min_length=1, max_length=20_000, pattern=r"\S")
    filters: SearchFilters = SearchFilters()


class EmbeddedQuery(Query):
    """A query with its dense vector (unit length) and its sparse term weights."""

    embedding: tuple[float, ...]
    sparse: SparseVector


class ScoredChunk(Frozen):
    """A chunk that was found, with every score it was given, by the name of the stage."""

    chunk: Chunk
    scores: dict[str, float]

    @property
    def score(self) -> float:
        """Returns the score of the last stage."""
        return list(self.scores.values())[-1]
