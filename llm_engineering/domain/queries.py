"""Questions and what they are restricted to."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, NamedTuple, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.embedded_chunks import SparseVector
from llm_engineering.domain.names import author_keys, parsed_name
from llm_engineering.domain.types import DataCategory, Frozen

Arm = Literal["dense", "sparse"]  # by meaning, or by words

# what is found, completed and given up together
_FIELDS_OF: dict[str, tuple[str, ...]] = {
    "categories": ("categories",),
    "platforms": ("platforms",),
    "published": ("published_from", "published_to"),
    "authors": ("authors",),
    "document_ids": ("document_ids",),
}


class SearchFilters(Frozen):
    """Restrictions on the chunks to search; an empty tuple or None restricts nothing.

    Values of one field are alternatives, fields are combined with *and*. A chunk passes `authors`
    when one of its authors has one of the names; case, accents, dots and the order of the names do
    not matter. The dates are inclusive; a chunk without a published date matches no restriction.
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

    @property
    def author_keys(self) -> frozenset[str]:
        """Returns what the spellings of each author share."""
        return frozenset(parsed_name(name).key for name in self.authors)

    @property
    def restricted(self) -> tuple[str, ...]:
        """Returns what is restricted: categories, platforms, published, authors, document_ids."""
        return tuple(
            name
            for name, fields in _FIELDS_OF.items()
            if any(getattr(self, field) for field in fields)
        )

    def without(self, names: Collection[str]) -> Self:
        """Returns the filters with those of `restricted` given up."""
        fields = [field for name in names for field in _FIELDS_OF[name]]
        return type(self)(**self.model_dump(exclude=set(fields)))

    def completed_by(self, other: Self) -> Self:
        """Returns these filters with what they leave open taken from `other`."""
        return type(self)(
            **{
                **other.without(self.restricted).model_dump(exclude_defaults=True),
                **self.model_dump(exclude_defaults=True),
            }
        )

    def refused(self, chunk: Chunk) -> tuple[str, ...]:
        """Returns which of the restrictions a chunk does not meet."""
        met = {
            "categories": chunk.category in self.categories,
            "platforms": chunk.platform in self.platforms,
            "published": self._in_time(chunk.published),
            "authors": bool(self.author_keys & author_keys(chunk.author_full_name)),
            "document_ids": chunk.document_id in self.document_ids,
        }
        return tuple(name for name in self.restricted if not met[name])

    def _in_time(self, published: datetime | None) -> bool:
        start, end = self.published_from, self.published_to
        return published is not None and not (
            (start and published < start) or (end and published > end)
        )


class Query(Frozen):
    """A question and its filters. `text` has 1 to 20,000 characters, not all of them blank."""

    text: str = Field(min_length=1, max_length=20_000, pattern=r"\S")
    filters: SearchFilters = SearchFilters()


class EmbeddedQuery(Query):
    """A query with its dense vector (unit length) and its sparse term weights."""

    embedding: tuple[float, ...]
    sparse: SparseVector


class Candidate(NamedTuple):
    """A chunk that a search brought in, by its id: most never have to be read."""

    id: UUID
    score: float


class ScoredChunk(Frozen):
    """A chunk that was found, with every score it was given, by the name of the stage."""

    chunk: Chunk
    scores: dict[str, float]

    @property
    def score(self) -> float:
        """Returns the score of the last stage."""
        return list(self.scores.values())[-1]


class Retrieval(Frozen):
    """What was found for a question, and how.

    `found_filters` were read out of the question; of these `relaxed` were given up again, because
    they left nothing. `variants` are the texts that were searched for, the question first.
    `timings_ms` has each stage and `total`. `degraded` maps a stage that was left out to the
    reason. `reranker` names the pair scorer that ordered the passages, None when none did.
    `considered` is the ranking whose best the passages are, as far as it was read.
    """

    passages: tuple[ScoredChunk, ...]
    considered: tuple[ScoredChunk, ...] = ()
    found_filters: SearchFilters = SearchFilters()
    relaxed: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    timings_ms: dict[str, float] = Field(default_factory=dict)
    degraded: dict[str, str] = Field(default_factory=dict)
    reranker: str | None = None
