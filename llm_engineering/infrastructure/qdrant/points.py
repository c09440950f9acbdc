"""Chunks as Qdrant points: payload, payload indexes and filters, for both adapters. No vendor."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import gt
from typing import Any
from uuid import UUID

from llm_engineering.application.ports.storage import IndexedDocument
from llm_engineering.domain.chunks import CHUNK_TYPES, Chunk
from llm_engineering.domain.embedded_chunks import EMBEDDED_TYPES, EmbeddedChunk, SparseVector
from llm_engineering.domain.errors import InvalidInput, StoreUnavailable
from llm_engineering.domain.names import author_keys
from llm_engineering.domain.queries import (
    Arm,
    Candidate,
    EmbeddedQuery,
    ScoredChunk,
    SearchFilters,
)
from llm_engineering.domain.releases import Generation
from llm_engineering.domain.types import DataCategory

DENSE = "dense"
SPARSE = "sparse"
ARMS: tuple[Arm, Arm] = ("dense", "sparse")
# field of the payload -> Qdrant's name for the kind of its index
PAYLOAD_INDEXES = {
    "author_keys": "keyword",
    "platform": "keyword",
    "category": "keyword",
    "document_id": "uuid",
    "published": "datetime",
}
# worked out of the chunk's fields for the filters
_DERIVED = ("author_keys",)
_NOT_OF_A_CHUNK = (*_DERIVED, "embedder")
_CHUNK_TYPES = {category.value: kind for category, kind in CHUNK_TYPES.items()}
# all that `documents_of` reads
DOCUMENT_FIELDS = ("document_id", "revision", "total")

Payload = dict[str, Any]


@dataclass(frozen=True)
class Restriction:
    """A condition on one payload field: one of `values`, or a time from `start` to `end`.

    Both ends are inclusive; None leaves that end open.
    """

    field: str
    values: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None


def restrictions(filters: SearchFilters) -> Sequence[Restriction]:
    """Returns the conditions that a chunk has to meet, all of them."""
    found = [
        Restriction("author_keys", tuple(sorted(filters.author_keys))),
        Restriction("platform", filters.platforms),
        Restriction("category", tuple(category.value for category in filters.categories)),
        Restriction("document_id", tuple(str(identity) for identity in filters.document_ids)),
    ]
    found = [restriction for restriction in found if restriction.values]
    if filters.published_from or filters.published_to:
        found.append(
            Restriction("published", start=filters.published_from, end=filters.published_to)
        )
    return found


def payload_of(chunk: EmbeddedChunk) -> Payload:
    """Returns the fields of a chunk as JSON values; id and vectors are the point's own.

    `author_keys` are the keys of the persons that `author_full_name` names.
    """
    payload = chunk.model_dump(
        mode="json", exclude={"id", "embedding", "sparse"}, exclude_none=True
    )
    keys = author_keys(chunk.author_full_name)
    return {**payload, "author_keys": sorted(keys)} if keys else payload


def chunk_of(point_id: UUID | str, payload: Payload) -> Chunk:
    """Returns the chunk of a point.

    Raises:
        StoreUnavailable: the payload is not a chunk's.
    """
    try:  # of every candidate of every question: a context manager would cost a fifth of this
        kind = _CHUNK_TYPES[payload["category"]]
        fields = {**payload, "id": point_id}
        for name in _NOT_OF_A_CHUNK:
            fields.pop(name, None)
        return kind.model_validate(fields)
    except (KeyError, TypeError, ValueError) as error:  # pydantic's is a ValueError
        raise _no_chunk(point_id, error) from error


def embedded_chunk_of(
    point_id: UUID | str, payload: Payload, embedding: Sequence[float], sparse: SparseVector
) -> EmbeddedChunk:
    """Returns the chunk of a point with its vectors.

    Raises:
        StoreUnavailable: the payload is not a chunk's.
    """
    own = {"id": point_id, "embedding": tuple(embedding), "sparse": sparse}
    with _chunk_expected(point_id):
        kind = EMBEDDED_TYPES[DataCategory(payload["category"])]
        return kind.model_validate({**_own(payload), **own})


def _own(payload: Payload) -> Payload:
    return {key: value for key, value in payload.items() if key not in _DERIVED}


@contextmanager
def _chunk_expected(point_id: UUID | str) -> Iterator[None]:
    try:
        yield
    except (KeyError, ValueError) as error:
        raise _no_chunk(point_id, error) from error


def _no_chunk(point_id: UUID | str, error: Exception) -> StoreUnavailable:
    problem = " ".join(str(error).split())[:200]
    return StoreUnavailable(f"the Qdrant point {point_id} is no chunk: {problem}")


def documents_of(payloads: Iterable[Payload]) -> Mapping[UUID, Sequence[IndexedDocument]]:
    """Returns what the chunks with these payloads are of every document.

    Raises:
        StoreUnavailable: one of the payloads is not a chunk's.
    """
    documents: dict[UUID, list[IndexedDocument]] = {}
    try:
        counts = Counter((p["document_id"], p["revision"], p["total"]) for p in payloads)
        for (document_id, revision, total), chunks in sorted(counts.items()):
            documents.setdefault(UUID(document_id), []).append(
                IndexedDocument(revision=revision, chunks=chunks, total=total)
            )
    except (KeyError, TypeError, ValueError) as error:
        raise _no_chunk("of a document", error) from error
    return documents


def best_first(found: Iterable[ScoredChunk]) -> Sequence[ScoredChunk]:
    """Returns the chunks by falling score; equal scores are ordered by chunk id."""
    return sorted(found, key=lambda scored: (-scored.score, scored.chunk.id))


def best_candidates_first(found: Sequence[Candidate]) -> Sequence[Candidate]:
    """Returns the candidates by falling score; equal scores are ordered by chunk id."""
    scores = [candidate.score for candidate in found]
    if all(map(gt, scores, scores[1:])):  # as engines return them, but for equal ones
        return found
    return sorted(found, key=lambda candidate: (-candidate.score, candidate.id))


def check_dimension(generation: Generation, embedding: Sequence[float]) -> None:
    """Returns when a vector fits the generation.

    Raises:
        InvalidInput: its length is another; names both.
    """
    if len(embedding) != generation.dimension:
        raise InvalidInput(
            f"a vector of {len(embedding)} dimensions does not fit the index generation "
            f"{generation.name} (its vectors have {generation.dimension})"
        )


def check_searches(generation: Generation, searches: Iterable[tuple[Arm, EmbeddedQuery]]) -> None:
    """Returns when the vectors of all dense searches fit the generation.

    Raises:
        InvalidInput: one does not; names both lengths.
    """
    for by, query in searches:
        if by == DENSE:
            check_dimension(generation, query.embedding)
