"""A ChunkIndex in memory, for unit tests and dry runs."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from llm_engineering.application.ports.storage import GenerationStatus, IndexedDocument
from llm_engineering.domain.chunks import CHUNK_TYPES, Chunk
from llm_engineering.domain.embedded_chunks import (
    EmbeddedChunk,
    SparseVector,
    dense_sum,
    sparse_sum,
)
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import (
    Arm,
    Candidate,
    EmbeddedQuery,
    ScoredChunk,
    SearchFilters,
)
from llm_engineering.domain.releases import Generation

_NO_FILTERS = SearchFilters()


class InMemoryChunkIndex:
    """Holds chunks in dictionaries and searches all of them. Every write is visible at once."""

    def __init__(self) -> None:
        self._generations: dict[str, Generation] = {}
        self._held: dict[str, dict[UUID, EmbeddedChunk]] = {}
        self._live: Generation | None = None

    def create(self, generation: Generation) -> None:
        """Makes an empty generation; does nothing when it exists."""
        self._generations.setdefault(generation.name, generation)
        self._held.setdefault(generation.name, {})

    def generations(self) -> Sequence[GenerationStatus]:
        """Returns all generations, ordered by name."""
        return [
            GenerationStatus(generation, len(self._held[name]), live=generation == self._live)
            for name, generation in sorted(self._generations.items())
        ]

    def live(self) -> Generation | None:
        """Returns the generation that searches read."""
        return self._live

    def switch(self, generation: Generation) -> None:
        """Moves the alias."""
        self._chunks_of(generation)
        self._live = generation

    def drop(self, generation: Generation) -> None:
        """Deletes a generation."""
        self._chunks_of(generation)
        if generation == self._live:
            raise InvalidInput(f"the index generation {generation.name} is live: switch first")
        del self._held[generation.name], self._generations[generation.name]

    def upsert(self, generation: Generation, chunks: Sequence[EmbeddedChunk]) -> None:
        """Writes chunks; one with the same id is replaced."""
        held = self._chunks_of(generation)
        for chunk in chunks:
            _check_dimension(generation, chunk.embedding)
        held.update((chunk.id, chunk) for chunk in chunks)

    def delete(self, generation: Generation, chunk_ids: Sequence[UUID]) -> None:
        """Deletes chunks; ids that are not there are passed over."""
        held = self._chunks_of(generation)
        for chunk_id in chunk_ids:
            held.pop(chunk_id, None)

    def commit(self, generation: Generation) -> None:
        """Does nothing: writes are visible at once."""
        self._chunks_of(generation)

    def indexed(self, generation: Generation) -> Mapping[UUID, Sequence[IndexedDocument]]:
        """Returns what is held of every document."""
        chunks = list(self._chunks_of(generation).values())
        counts = Counter((chunk.document_id, chunk.revision, chunk.total) for chunk in chunks)
        documents: dict[UUID, list[IndexedDocument]] = {}
        for (document_id, revision, total), held in sorted(counts.items()):
            documents.setdefault(document_id, []).append(IndexedDocument(revision, held, total))
        return documents

    def scroll(
        self, generation: Generation, filters: SearchFilters = _NO_FILTERS
    ) -> Iterator[EmbeddedChunk]:
        """Yields the chunks that pass the filters."""
        chunks = list(self._chunks_of(generation).values())
        yield from (chunk for chunk in chunks if not filters.refused(chunk))

    def count(self, generation: Generation, filters: SearchFilters = _NO_FILTERS) -> int:
        """Returns how many chunks pass the filters."""
        return sum(1 for _ in self.scroll(generation, filters))

    def search(self, query: EmbeddedQuery, *, by: Arm, limit: int) -> Sequence[ScoredChunk]:
        """Returns the best chunks of the live generation, best first; equal scores by id."""
        if self._live is None:
            return []
        held = list(self._chunks_of(self._live).values())
        if by == "dense":
            _check_dimension(self._live, query.embedding)
            scores = {chunk.id: _cosine(query.embedding, chunk.embedding) for chunk in held}
        else:
            scores = _sparse_scores(query.sparse, held)
        found = [
            ScoredChunk(chunk=_without_vectors(chunk), scores={by: scores[chunk.id]})
            for chunk in held
            if chunk.id in scores and not query.filters.refused(chunk)
        ]
        return sorted(found, key=lambda scored: (-scored.score, scored.chunk.id))[:limit]

    def candidates(
        self, searches: Sequence[tuple[Arm, EmbeddedQuery]], *, limit: int
    ) -> Sequence[Sequence[Candidate]]:
        """Returns for each search what `search` finds, by id alone."""
        return [
            [Candidate(one.chunk.id, one.score) for one in self.search(query, by=by, limit=limit)]
            for by, query in searches
        ]

    def alike(self, to: Sequence[UUID], among: Sequence[UUID]) -> Mapping[Arm, Sequence[Candidate]]:
        """Returns how alike each of `among` is to the chunks `to` together."""
        everything = self._chunks_of(self._live) if self._live else {}
        wanted = [everything[chunk_id] for chunk_id in to if chunk_id in everything]
        if not wanted:
            return {"dense": [], "sparse": []}
        scores: dict[Arm, dict[UUID, float]] = {
            "dense": {
                chunk.id: _cosine(dense_sum([one.embedding for one in wanted]), chunk.embedding)
                for chunk in everything.values()
            },
            "sparse": _sparse_scores(
                sparse_sum([one.sparse for one in wanted]), list(everything.values())
            ),
        }
        return {
            arm: sorted(
                (Candidate(chunk_id, of[chunk_id]) for chunk_id in among if chunk_id in of),
                key=lambda one: (-one.score, one.id),
            )
            for arm, of in scores.items()
        }

    def chunks(self, chunk_ids: Sequence[UUID]) -> Sequence[Chunk]:
        """Returns those chunks of the live generation that are there, in the order asked for."""
        held = self._chunks_of(self._live) if self._live else {}
        return [_without_vectors(held[chunk_id]) for chunk_id in chunk_ids if chunk_id in held]

    def ping(self) -> None:
        """Returns at once."""

    def close(self) -> None:
        """Keeps everything, so that another test step can look at it."""

    def _chunks_of(self, generation: Generation) -> dict[UUID, EmbeddedChunk]:
        if generation.name not in self._held:
            known = ", ".join(sorted(self._held)) or "none"
            raise InvalidInput(f"no index generation {generation.name!r} (there are: {known})")
        return self._held[generation.name]


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other) or 1.0)


def _sparse_scores(query: SparseVector, held: Sequence[EmbeddedChunk]) -> dict[UUID, float]:
    """Returns the score of each chunk that shares a term with the query.

    The inverse document frequency is Qdrant's: ln(1 + (N - n + 0.5) / (n + 0.5)), with N chunks of
    which n hold the term.
    """
    holding = Counter(term for chunk in held for term in chunk.sparse.indices)
    weights = {
        term: value * math.log(1 + (len(held) - holding[term] + 0.5) / (holding[term] + 0.5))
        for term, value in zip(query.indices, query.values, strict=True)
    }
    scores: dict[UUID, float] = {}
    for chunk in held:
        for term, value in zip(chunk.sparse.indices, chunk.sparse.values, strict=True):
            if term in weights:
                scores[chunk.id] = scores.get(chunk.id, 0.0) + value * weights[term]
    return scores


def _without_vectors(chunk: EmbeddedChunk) -> Chunk:
    fields = {name: getattr(chunk, name) for name in Chunk.model_fields}
    return CHUNK_TYPES[chunk.category].model_validate(fields)


def _check_dimension(generation: Generation, embedding: Sequence[float]) -> None:
    if len(embedding) != generation.dimension:
        raise InvalidInput(
            f"a vector of {len(embedding)} dimensions does not fit the index generation "
            f"{generation.name} (its vectors have {generation.dimension})"
        )
