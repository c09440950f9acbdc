"""Indexing: the index comes to hold the current revision of every document, at the least cost.

Order of writes: new chunks, then the deletion of those they replace, then the commit. Wherever a
run is cut off, the next one finds documents that are not whole, or held twice, and redoes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from llm_engineering.application.ports.storage import ChunkIndex, IndexedDocument
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.application.preprocessing.cpu_times import CpuTimes
from llm_engineering.application.preprocessing.featurizing import Features, Vector
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import IntegrityError
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.releases import Generation


@dataclass(frozen=True)
class IndexingPlan:
    """What a run has to do: `changed` maps documents to their revision."""

    generation: Generation
    changed: Mapping[UUID, str]
    vanished: Sequence[UUID]
    unchanged: int


@dataclass
class IndexingCounts:
    """What a run did. Of the chunks written, some were embedded and the others' vectors reused."""

    written: int = 0
    embedded: int = 0
    reused: int = 0
    deleted: int = 0


def plan_indexing(
    wanted: Mapping[UUID, str], index: ChunkIndex, generation: Generation
) -> IndexingPlan:
    """Returns which documents the generation lacks, holds in another revision, or in part.

    `wanted` has the revision of every document that belongs into it.
    """
    indexed = index.indexed(generation)
    changed = {
        document: revision
        for document, revision in wanted.items()
        if not is_whole(indexed.get(document, ()), revision)
    }
    vanished = [document for document in indexed if document not in wanted]
    return IndexingPlan(generation, changed, vanished, len(wanted) - len(changed))


def is_whole(held: Sequence[IndexedDocument], revision: str) -> bool:
    """Returns whether an index holds all chunks of that revision and no others."""
    return len(held) == 1 and held[0].revision == revision and held[0].chunks == held[0].total


class Indexer:
    """Writes documents to one generation, in batches. Call `finish` at the end.

    Args:
        index: where to.
        generation: of it; it exists.
        config: sizes of batches.
        cpu: hears what reading and writing cost.
    """

    def __init__(
        self, index: ChunkIndex, generation: Generation, config: FeatureConfig, cpu: CpuTimes
    ) -> None:
        self._index = index
        self._generation = generation
        self._config = config
        self._cpu = cpu
        self._documents = index.indexed(generation)
        self._previous = self._with_same_embedder(index.live())
        self._held: dict[UUID, set[UUID]] = {}
        self._queue: list[EmbeddedChunk] = []
        self._stale: list[UUID] = []
        self._uncommitted = 0
        self.counts = IndexingCounts()

    def known(self, document: UUID) -> Mapping[str, Vector]:
        """Returns vectors that hold for passages of the document, by passage hash."""
        with self._cpu.of("read index"):
            held = self._chunks_of(document)
            self._held[document] = {chunk.id for chunk in held}
            return {
                chunk.passage_hash: chunk.embedding
                for chunk in [*held, *self._earlier_chunks_of(document)]
                if chunk.embedder == self._generation.embedder
            }

    def put(self, features: Features) -> None:
        """Makes these chunks the only ones of their document, at the latest with `finish`.

        `known` was asked for the document before.

        Raises:
            IntegrityError: a worker had another embedder than this generation.
        """
        chunks = features.chunks
        if wrong := next((c for c in chunks if c.embedder != self._generation.embedder), None):
            raise IntegrityError(
                f"{wrong.url} was embedded by {wrong.embedder}, this generation is of "
                f"{self._generation.embedder}: give all workers the same TEXT_EMBEDDING_MODEL_ID"
            )
        held = self._held.pop(features.document_id)
        new = [chunk for chunk in chunks if chunk.id not in held]
        self._queue += new
        self._stale += held - {chunk.id for chunk in chunks}
        self.counts.embedded += features.embedded
        self.counts.reused += len(new) - features.embedded
        self._uncommitted += 1
        if len(self._queue) + len(self._stale) >= self._config.batch_size:
            self._flush()

    def remove(self, document: UUID) -> None:
        """Deletes the chunks of a document, at the latest with `finish`."""
        self.known(document)
        self.put(Features(document))

    def finish(self) -> None:
        """Writes and commits what is left; the first commit ever makes the generation live."""
        self._flush()
        if self._uncommitted or self._index.live() is None:
            self._commit()

    def _flush(self) -> None:
        size = self._config.batch_size
        with self._cpu.of("write index"):
            for start in range(0, len(self._queue), size):
                self._index.upsert(self._generation, self._queue[start : start + size])
            if self._stale:
                self._index.delete(self._generation, self._stale)
        self.counts.written += len(self._queue)
        self.counts.deleted += len(self._stale)
        self._queue, self._stale = [], []
        if self._uncommitted >= self._config.commit_documents:
            self._commit()

    def _commit(self) -> None:
        with self._cpu.of("write index"):
            self._index.commit(self._generation)
            if self._index.live() is None:
                self._index.switch(self._generation)
        self._uncommitted = 0

    def _chunks_of(self, document: UUID) -> Sequence[EmbeddedChunk]:
        if document not in self._documents:
            return []
        return list(self._index.scroll(self._generation, SearchFilters(document_ids=(document,))))

    def _earlier_chunks_of(self, document: UUID) -> Sequence[EmbeddedChunk]:
        """Returns the document's chunks in the live generation, where their vectors still hold."""
        if self._previous is None:
            return []
        return list(self._index.scroll(self._previous, SearchFilters(document_ids=(document,))))

    def _with_same_embedder(self, live: Generation | None) -> Generation | None:
        usable = live and live != self._generation and live.embedder == self._generation.embedder
        return live if usable else None
