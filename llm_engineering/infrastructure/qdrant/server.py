"""The index on a Qdrant server or Qdrant Cloud: a collection for each generation.

What a generation is made of stands in the metadata of its collection (Qdrant 1.16 or newer), and
the alias `live` points to the one that is searched.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Self
from uuid import UUID

from pydantic import ValidationError

from llm_engineering.application.ports.storage import GenerationStatus, IndexedDocument
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import ConfigurationError, InvalidInput
from llm_engineering.domain.queries import (
    Arm,
    Candidate,
    EmbeddedQuery,
    ScoredChunk,
    SearchFilters,
)
from llm_engineering.domain.releases import Generation
from llm_engineering.infrastructure.qdrant.points import (
    ARMS,
    DENSE,
    DOCUMENT_FIELDS,
    PAYLOAD_INDEXES,
    Payload,
    best_candidates_first,
    best_first,
    check_dimension,
    check_searches,
    chunk_of,
    documents_of,
)
from llm_engineering.infrastructure.qdrant.server_records import (
    alike_requests,
    candidates_request,
    embedded_chunk_from,
    filter_of,
    move_alias,
    payload_schema,
    point_of,
    server_errors,
    sparse_of,
    sparse_vector_params,
    vector_params,
)

if TYPE_CHECKING:
    from qdrant_client import QdrantClient
    from qdrant_client.models import Record

_TIMEOUT_S = 5
_ALIAS = "live"
_METADATA = "generation"
_UPSERT_BATCH = 256  # about 3 MB of JSON at 384 dimensions; a server takes 32 MB
_PAGE = 256
_FIELDS_PAGE = 5000
_NO_FILTERS = SearchFilters()
_HOST_NAME = re.compile(r"[A-Za-z0-9._-]+")


class ServerChunkIndex:
    """ChunkIndex on a server. Writes are visible to all as soon as they return."""

    def __init__(self, client: "QdrantClient", server: str = "this client") -> None:
        self._client = client
        self._server = server

    @classmethod
    def connect(cls, host_or_url: str, port: int = 6333, api_key: str | None = None) -> Self:
        """Returns the index of a server; no request is made yet.

        Args:
            host_or_url: a host name, or a URL, whose own port wins over `port`. A host name
                with a key is spoken to over TLS.
            port: of the REST interface.
            api_key: None for a server without one.

        Raises:
            ConfigurationError: it is no host name or URL.
        """
        from qdrant_client import QdrantClient  # noqa: PLC0415 - takes longer than a second

        is_url = "://" in host_or_url
        if not is_url and not _HOST_NAME.fullmatch(host_or_url):
            raise ConfigurationError(
                f"QDRANT_DATABASE_HOST {host_or_url!r} is no host name or URL "
                "(allowed: qdrant.example.org, http://qdrant.example.org:6333)"
            )
        try:
            client = QdrantClient(
                url=host_or_url if is_url else None,
                host=None if is_url else host_or_url,
                port=port,
                api_key=api_key,
                timeout=_TIMEOUT_S,
                check_compatibility=False,  # it would connect here
            )
        except ValueError as error:  # urllib3's too
            raise ConfigurationError(
                f"QDRANT_DATABASE_HOST {host_or_url!r} is no host name or URL: {error}"
            ) from error
        return cls(client, host_or_url if is_url else f"{host_or_url}:{port}")

    def create(self, generation: Generation) -> None:
        """Makes an empty generation; completes one whose making was cut off."""
        with server_errors(self._server):
            if not self._client.collection_exists(generation.name):
                self._create_collection(generation)
            for field, kind in PAYLOAD_INDEXES.items():
                self._client.create_payload_index(
                    generation.name, field, field_schema=payload_schema(kind), wait=True
                )

    def generations(self) -> Sequence[GenerationStatus]:
        """Returns all generations, ordered by name; collections of others are passed over."""
        with server_errors(self._server):
            names = sorted(c.name for c in self._client.get_collections().collections)
            found = [generation for name in names if (generation := self._generation_of(name))]
        live = self._live_name()
        return [GenerationStatus(g, self.count(g), live=g.name == live) for g in found]

    def live(self) -> Generation | None:
        """Returns the generation that searches read."""
        name = self._live_name()
        with server_errors(self._server):
            return self._generation_of(name) if name else None

    def switch(self, generation: Generation) -> None:
        """Moves the alias."""
        self._require(generation)
        exists = self._live_name() is not None
        with server_errors(self._server):
            self._client.update_collection_aliases(
                move_alias(_ALIAS, generation.name, exists=exists)
            )

    def drop(self, generation: Generation) -> None:
        """Deletes a generation."""
        self._require(generation)
        if generation.name == self._live_name():
            raise InvalidInput(f"the index generation {generation.name} is live: switch first")
        with server_errors(self._server):
            self._client.delete_collection(generation.name)

    def upsert(self, generation: Generation, chunks: Sequence[EmbeddedChunk]) -> None:
        """Writes chunks; one with the same id is replaced."""
        for chunk in chunks:
            check_dimension(generation, chunk.embedding)
        self._require(generation)
        with server_errors(self._server):
            for start in range(0, len(chunks), _UPSERT_BATCH):
                points = [point_of(chunk) for chunk in chunks[start : start + _UPSERT_BATCH]]
                self._client.upsert(generation.name, points, wait=True)

    def delete(self, generation: Generation, chunk_ids: Sequence[UUID]) -> None:
        """Deletes chunks; ids that are not there are passed over."""
        self._require(generation)
        if chunk_ids:
            with server_errors(self._server):
                self._client.delete(generation.name, [str(i) for i in chunk_ids], wait=True)

    def commit(self, generation: Generation) -> None:
        """Checks that the generation is there: each write was durable when it returned."""
        self._require(generation)

    def indexed(self, generation: Generation) -> Mapping[UUID, Sequence[IndexedDocument]]:
        """Returns what is held of every document."""
        return documents_of(self._document_fields(generation))

    def scroll(
        self, generation: Generation, filters: SearchFilters = _NO_FILTERS
    ) -> Iterator[EmbeddedChunk]:
        """Yields the chunks that pass the filters."""
        records = self._records(
            generation, filters, limit=_PAGE, with_payload=True, with_vectors=True
        )
        yield from map(embedded_chunk_from, records)

    def count(self, generation: Generation, filters: SearchFilters = _NO_FILTERS) -> int:
        """Returns how many chunks pass the filters."""
        with server_errors(self._server):
            answer = self._client.count(generation.name, filter_of(filters), exact=True)
        return answer.count

    def search(self, query: EmbeddedQuery, *, by: Arm, limit: int) -> Sequence[ScoredChunk]:
        """Returns the best chunks of the live generation, best first; equal scores by id."""
        live = self.live()
        if live is None or (by != DENSE and not query.sparse.indices):
            return []
        check_searches(live, [(by, query)])
        with server_errors(self._server):
            answer = self._client.query_points(
                _ALIAS,
                query=list(query.embedding) if by == DENSE else sparse_of(query.sparse),
                using=by,
                limit=limit,
                query_filter=filter_of(query.filters),
                with_payload=True,
            )
        return best_first(
            ScoredChunk(chunk=chunk_of(str(p.id), p.payload or {}), scores={by: p.score})
            for p in answer.points
        )

    def candidates(
        self, searches: Sequence[tuple[Arm, EmbeddedQuery]], *, limit: int
    ) -> Sequence[Sequence[Candidate]]:
        """Returns for each search what `search` finds, by id alone; all in one request."""
        live = self.live()
        if live is None:
            return [[] for _ in searches]
        check_searches(live, searches)
        asked = [n for n, (by, query) in enumerate(searches) if by == DENSE or query.sparse.indices]
        requests = [candidates_request(searches[n][1], searches[n][0], limit) for n in asked]
        found: list[Sequence[Candidate]] = [[] for _ in searches]
        with server_errors(self._server):
            answers = self._client.query_batch_points(_ALIAS, requests) if requests else []
        for n, answer in zip(asked, answers, strict=True):
            points = [Candidate(UUID(str(point.id)), point.score) for point in answer.points]
            found[n] = best_candidates_first(points)
        return found

    def alike(self, to: Sequence[UUID], among: Sequence[UUID]) -> Mapping[Arm, Sequence[Candidate]]:
        """Returns how alike each of `among` is to the chunks `to` together; in two requests."""
        found: dict[Arm, Sequence[Candidate]] = {arm: [] for arm in ARMS}
        if not to or not among or self._live_name() is None:
            return found
        with server_errors(self._server):
            wanted = self._client.retrieve(
                _ALIAS, [str(i) for i in to], with_payload=False, with_vectors=True
            )
            requests = alike_requests(wanted, among) if wanted else {}
            answers = (
                self._client.query_batch_points(_ALIAS, list(requests.values())) if requests else []
            )
        for arm, answer in zip(requests, answers, strict=True):
            points = [Candidate(UUID(str(point.id)), point.score) for point in answer.points]
            found[arm] = best_candidates_first(points)
        return found

    def chunks(self, chunk_ids: Sequence[UUID]) -> Sequence[Chunk]:
        """Returns those chunks of the live generation that are there, in the order asked for."""
        if not chunk_ids or self._live_name() is None:
            return []
        with server_errors(self._server):
            ids = [str(chunk_id) for chunk_id in chunk_ids]
            records = self._client.retrieve(_ALIAS, ids, with_payload=True)
        found = {str(record.id): record.payload or {} for record in records}
        return [chunk_of(i, found[str(i)]) for i in chunk_ids if str(i) in found]

    def ping(self) -> None:
        """Returns when the server answers and accepts the key."""
        with server_errors(self._server):
            self._client.get_collections()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _document_fields(self, generation: Generation) -> Iterator[Payload]:
        records = self._records(
            generation,
            _NO_FILTERS,
            limit=_FIELDS_PAGE,
            with_payload=list(DOCUMENT_FIELDS),
            with_vectors=False,
        )
        return (record.payload or {} for record in records)

    def _records(
        self,
        generation: Generation,
        filters: SearchFilters,
        *,
        limit: int,
        with_payload: bool | list[str],
        with_vectors: bool,
    ) -> "Iterator[Record]":
        start = None
        while True:
            with server_errors(self._server):
                records, start = self._client.scroll(
                    generation.name,
                    scroll_filter=filter_of(filters),
                    limit=limit,
                    offset=start,
                    with_payload=with_payload,
                    with_vectors=with_vectors,
                )
            yield from records
            if start is None:
                return

    def _create_collection(self, generation: Generation) -> None:
        self._client.create_collection(
            generation.name,
            vectors_config=vector_params(generation.dimension),
            sparse_vectors_config=sparse_vector_params(),
            metadata={_METADATA: generation.model_dump()},
        )
        if self._generation_of(generation.name) is None:
            self._client.delete_collection(generation.name)
            raise ConfigurationError(
                f"Qdrant at {self._server} keeps no collection metadata: it must be 1.16 or newer"
            )

    def _generation_of(self, collection: str) -> Generation | None:
        metadata = self._client.get_collection(collection).config.metadata or {}
        try:
            return Generation.model_validate(metadata.get(_METADATA))
        except ValidationError:
            return None

    def _live_name(self) -> str | None:
        with server_errors(self._server):
            aliases = self._client.get_aliases().aliases
        return next((a.collection_name for a in aliases if a.alias_name == _ALIAS), None)

    def _require(self, generation: Generation) -> None:
        with server_errors(self._server):
            if self._client.collection_exists(generation.name):
                return
            names = sorted(c.name for c in self._client.get_collections().collections)
        known = ", ".join(names) or "none"
        raise InvalidInput(f"no index generation {generation.name!r} (there are: {known})")
