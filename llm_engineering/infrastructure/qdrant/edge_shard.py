"""One opened folder of Qdrant's engine: calls in domain types, errors translated, safe closing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Condition
from typing import Any, Self
from uuid import UUID

import qdrant_edge as engine

from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.embedded_chunks import (
    EmbeddedChunk,
    SparseVector,
    dense_sum,
    sparse_sum,
)
from llm_engineering.domain.errors import PipelineError, StoreUnavailable
from llm_engineering.domain.queries import (
    Arm,
    Candidate,
    EmbeddedQuery,
    ScoredChunk,
    SearchFilters,
)
from llm_engineering.infrastructure.qdrant.points import (
    DENSE,
    DOCUMENT_FIELDS,
    PAYLOAD_INDEXES,
    SPARSE,
    Payload,
    Restriction,
    chunk_of,
    embedded_chunk_of,
    payload_of,
    restrictions,
)

_PAGE = 1000
_VECTOR_PAGE = 256
_FLOAT_BYTES = 4
# A search runs on the thread that asks: the engine's own threads wake each other a hundred times a
# search, which costs more than the search, and several questions use several threads anyway.
_SEARCH_THREADS = 1


class ShardClosed(Exception):
    """The shard was closed in the meantime; take the one that came after it."""


@contextmanager
def engine_errors(path: Path) -> Iterator[None]:
    """Turns every failure of the engine or the disk inside the block into StoreUnavailable."""
    try:
        yield
    except (PipelineError, ShardClosed):
        raise
    except OSError as error:
        raise StoreUnavailable(f"index {path}: {error.strerror or error}") from error
    except Exception as error:  # the engine raises plain Exception
        raise StoreUnavailable(f"index {path}: {_one_line(error)}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's, and not importable
            raise
        raise StoreUnavailable(f"index {path} is damaged: {_one_line(error)}") from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


class Shard:
    """An open engine folder. Calls may come from several threads; `close` waits for them."""

    def __init__(self, path: Path, opened: engine.EdgeShard) -> None:
        self.path = path
        self._engine = opened
        self._users = 0
        self._closing = False
        self._idle = Condition()

    @classmethod
    def create(cls, path: Path, dimension: int, exact_limit: int) -> Self:
        """Makes an empty folder, where segments of over `exact_limit` chunks get a graph.

        Without the engine's write-ahead log: several processes can open the folder, and it is
        a fifth of the size. The caller repairs what a killed writer left half-written.
        """
        kilobytes = max(1, exact_limit * dimension * _FLOAT_BYTES // 1024)
        config = engine.EdgeConfig(
            vectors={
                DENSE: engine.EdgeVectorParams(size=dimension, distance=engine.Distance.Cosine)
            },
            sparse_vectors={SPARSE: engine.EdgeSparseVectorParams(modifier=engine.Modifier.Idf)},
            optimizers=engine.EdgeOptimizersConfig(
                default_segment_number=1, indexing_threshold=kilobytes
            ),
            max_search_threads=_SEARCH_THREADS,
            wal_enabled=False,
        )
        with engine_errors(path):
            opened = engine.EdgeShard.create(str(path), config)
            for field, kind in PAYLOAD_INDEXES.items():
                schema = getattr(engine.PayloadSchemaType, kind.capitalize())
                opened.update(engine.UpdateOperation.create_field_index(field, schema))
            opened.flush()
        return cls(path, opened)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Opens a folder.

        Raises:
            StoreUnavailable: it is missing or damaged.
        """
        with engine_errors(path):
            return cls(path, engine.EdgeShard.load(str(path)))

    @contextmanager
    def lease(self) -> Iterator[Self]:
        """Keeps the shard open for the block.

        Raises:
            ShardClosed: it was closed before.
        """
        with self._idle:
            if self._closing:
                raise ShardClosed
            self._users += 1
        try:
            with engine_errors(self.path):
                yield self
        finally:
            with self._idle:
                self._users -= 1
                self._idle.notify_all()

    def close(self) -> None:
        """Closes as soon as the last lease has ended."""
        with self._idle:
            if self._closing:
                return
            self._closing = True
            self._idle.wait_for(lambda: self._users == 0)
        with engine_errors(self.path):
            self._engine.close()

    def upsert(self, chunks: Sequence[EmbeddedChunk]) -> None:
        """Writes chunks; durable after `flush`."""
        self._engine.update(engine.UpdateOperation.upsert_points([_point(c) for c in chunks]))

    def delete(self, chunk_ids: Sequence[UUID]) -> None:
        """Deletes chunks; durable after `flush`."""
        self._engine.update(engine.UpdateOperation.delete_points(list(chunk_ids)))

    def flush(self) -> None:
        """Writes everything to disk."""
        self._engine.flush()

    def optimize(self) -> None:
        """Merges segments and builds the graphs. Blocks all threads of the process meanwhile."""
        self._engine.optimize()

    def count(self, filters: SearchFilters) -> int:
        """Returns how many chunks pass the filters."""
        return self._engine.count(engine.CountRequest(exact=True, filter=_filter(filters)))

    def search(self, query: EmbeddedQuery, by: Arm, limit: int) -> Sequence[ScoredChunk]:
        """Returns the best chunks by one of the two vectors."""
        found = self._engine.query(_nearest(query, by, limit, with_payload=True))
        return [
            ScoredChunk(chunk=chunk_of(_uuid(p.id), p.payload or {}), scores={by: p.score})
            for p in found
        ]

    def candidates(
        self, searches: Sequence[tuple[Arm, EmbeddedQuery]], limit: int
    ) -> list[list[Candidate]]:
        """Returns for each search what `search` finds, by id.

        Reading the payloads would take most of the time.
        """
        asked = [
            _nearest(query, by, limit, with_payload=False)
            if by == DENSE or query.sparse.indices
            else None
            for by, query in searches
        ]
        found = iter(self._candidates([request for request in asked if request]))
        return [next(found) if request else [] for request in asked]

    def alike(self, to: Sequence[UUID], among: Sequence[UUID]) -> dict[Arm, list[Candidate]]:
        """Returns how alike each of `among` is to the chunks `to` together."""
        wanted = self._engine.retrieve(list(to), with_payload=False, with_vector=True)
        if not wanted or not among:
            return {}
        vectors: list[Any] = [record.vector for record in wanted]
        terms = sparse_sum([_sparse_vector(vector[SPARSE]) for vector in vectors])
        asked: dict[Arm, Any] = {"dense": list(dense_sum([vector[DENSE] for vector in vectors]))}
        if terms.indices:
            asked["sparse"] = _sparse(terms)
        only = engine.Filter(must=[engine.HasIdCondition(set(among))])
        requests = [
            engine.QueryRequest(
                limit=len(among),
                query=engine.Query.Nearest(vector, arm),
                filter=only,
                with_payload=False,
            )
            for arm, vector in asked.items()
        ]
        return dict(zip(asked, self._candidates(requests), strict=True))

    def _candidates(self, requests: Sequence[engine.QueryRequest]) -> list[list[Candidate]]:
        """Returns what each request finds; together they cost less than one by one."""
        # all ids are UUIDs, as they were written; asking each would cost as much as the search
        found: list[list[Any]] = [
            *self._engine.query_batch(engine.QueryBatchRequest(list(requests)))
        ]
        return [[Candidate(one.id, one.score) for one in points] for points in found]

    def chunks(self, chunk_ids: Sequence[UUID]) -> Sequence[Chunk]:
        """Returns those chunks that are there."""
        records = self._engine.retrieve(list(chunk_ids), with_payload=True, with_vector=False)
        return [chunk_of(_uuid(r.id), r.payload or {}) for r in records]

    def document_fields(self) -> Iterator[Payload]:
        """Yields the DOCUMENT_FIELDS of every chunk."""
        start: Any = None
        while True:
            request = engine.ScrollRequest(
                offset=start, limit=_PAGE, with_payload=list(DOCUMENT_FIELDS), with_vector=False
            )
            records, start = self._engine.scroll(request)
            yield from (record.payload or {} for record in records)
            if start is None:
                return

    def page(
        self, filters: SearchFilters, start: UUID | None
    ) -> tuple[Sequence[EmbeddedChunk], UUID | None]:
        """Returns the chunks from the id `start` on, and the id that the next page starts with."""
        request = engine.ScrollRequest(
            offset=start,
            limit=_VECTOR_PAGE,
            filter=_filter(filters),
            with_payload=True,
            with_vector=True,
        )
        records, following = self._engine.scroll(request)
        page = [_embedded_chunk(record) for record in records]
        return page, None if following is None else _uuid(following)


def _nearest(
    query: EmbeddedQuery, by: Arm, limit: int, *, with_payload: bool
) -> engine.QueryRequest:
    vector = list(query.embedding) if by == DENSE else _sparse(query.sparse)
    return engine.QueryRequest(
        limit=limit,
        query=engine.Query.Nearest(vector, by),
        filter=_filter(query.filters),
        with_payload=with_payload,
    )


def _point(chunk: EmbeddedChunk) -> engine.Point:
    vectors: dict[str, Any] = {DENSE: list(chunk.embedding), SPARSE: _sparse(chunk.sparse)}
    return engine.Point(chunk.id, vectors, payload_of(chunk))


def _embedded_chunk(record: engine.Record) -> EmbeddedChunk:
    vectors: Any = record.vector
    sparse = _sparse_vector(vectors[SPARSE])
    return embedded_chunk_of(_uuid(record.id), record.payload or {}, vectors[DENSE], sparse)


def _sparse_vector(vector: engine.SparseVector) -> SparseVector:
    """Returns what the engine keeps, which was checked when it was written."""
    return SparseVector.model_construct(indices=tuple(vector.indices), values=tuple(vector.values))


def _uuid(point_id: UUID | int | str) -> UUID:
    return point_id if isinstance(point_id, UUID) else UUID(str(point_id))


def _sparse(vector: SparseVector) -> engine.SparseVector:
    return engine.SparseVector(list(vector.indices), list(vector.values))


def _filter(filters: SearchFilters) -> engine.Filter | None:
    conditions = restrictions(filters)
    return engine.Filter(must=[_condition(c) for c in conditions]) if conditions else None


def _condition(restriction: Restriction) -> engine.FieldCondition:
    if restriction.values:
        match = engine.MatchAny(list(restriction.values))
        return engine.FieldCondition(restriction.field, match=match)
    span = engine.RangeDateTime(
        gte=restriction.start.isoformat() if restriction.start else None,
        lte=restriction.end.isoformat() if restriction.end else None,
    )
    return engine.FieldCondition(restriction.field, range=span)
