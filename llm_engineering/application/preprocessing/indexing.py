"""Indexing: the index comes to hold the current revision of every document, at the least cost.

Order of writes: new chunks, then the deletion of those they replace, then the commit. Wherever a
run is cut off, the next one finds documents that are not whole, or held twice, and redoes them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from llm_engineering.application.ports.storage import ChunkIndex, IndexedDocument
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.application.preprocessing.cpu_times import CpuTimes
from llm_engineering.application.preprocessing.dispatchers import EmbeddingDispatcher
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.releases import Generation

Vectors = dict[str, tuple[float, ...]]


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
        embedding: gives chunks their vectors.
        config: sizes of batches.
        cpu: hears what embedding and writing cost.
        on_embedded: hears how many more chunks have their vector.
    """

    def __init__(
        self,
        index: ChunkIndex,
        generation: Generation,
        embedding: EmbeddingDispatcher,
        config: FeatureConfig,
        cpu: CpuTimes,
        on_embedded: Callable[[int], None],
    ) -> None:
        self._index = index
        self._generation = generation
        self._embedding = embedding
        self._config = config
        self._cpu = cpu
        self._on_embedded = on_embedded
        self._held = index.indexed(generation)
        self._previous = self._with_same_embedder(index.live())
        self._queue: list[Chunk] = []
        self._stale: list[UUID] = []
        self._vectors: Vectors = {}
        self._uncommitted = 0
        self.counts = IndexingCounts()

    def put(self, document: UUID, chunks: Sequence[Chunk]) -> None:
        """Makes `chunks` the only ones of the document, at the latest when `finish` returns."""
        with self._cpu.of("read index"):
            old = self._chunks_of(document)
            held = {chunk.id for chunk in old}
            self._queue += [chunk for chunk in chunks if chunk.id not in held]
            self._stale += held - {chunk.id for chunk in chunks}
            self._remember([*old, *self._earlier_chunks_of(document)], chunks)
        self._uncommitted += 1
        if len(self._queue) + len(self._stale) >= self._config.batch_size:
            self._flush()

    def finish(self) -> None:
        """Writes and commits what is left; the first commit ever makes the generation live."""
        self._flush()
        if self._uncommitted or self._index.live() is None:
            self._commit()

    def _flush(self) -> None:
        size = self._config.batch_size
        for start in range(0, len(self._queue), size):
            self._write(self._queue[start : start + size])
        with self._cpu.of("write index"):
            if self._stale:
                self._index.delete(self._generation, self._stale)
        self.counts.deleted += len(self._stale)
        self._queue, self._stale, self._vectors = [], [], {}
        if self._uncommitted >= self._config.commit_documents:
            self._commit()

    def _write(self, chunks: Sequence[Chunk]) -> None:
        passages = {chunk.passage_hash: chunk.passage for chunk in chunks}
        missing = [key for key in passages if key not in self._vectors]
        with self._cpu.of("embed"):
            vectors = self._embedding.vectors([passages[key] for key in missing], self._on_embedded)
            self._vectors.update(zip(missing, vectors, strict=True))
            embedded = self._embedding.dispatch(
                chunks, [self._vectors[chunk.passage_hash] for chunk in chunks]
            )
        with self._cpu.of("write index"):
            self._index.upsert(self._generation, embedded)
        self.counts.written += len(chunks)
        self.counts.embedded += len(missing)
        self.counts.reused += len(chunks) - len(missing)

    def _commit(self) -> None:
        with self._cpu.of("write index"):
            self._index.commit(self._generation)
            if self._index.live() is None:
                self._index.switch(self._generation)
        self._uncommitted = 0

    def _remember(self, old: Sequence[EmbeddedChunk], chunks: Sequence[Chunk]) -> None:
        """Keeps the vectors of passages that are to be written again."""
        wanted = {chunk.passage_hash for chunk in chunks} if old else set()
        self._vectors.update(
            {
                chunk.passage_hash: chunk.embedding
                for chunk in old
                if chunk.passage_hash in wanted and chunk.embedder == self._embedding.fingerprint
            }
        )

    def _chunks_of(self, document: UUID) -> Sequence[EmbeddedChunk]:
        if document not in self._held:
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
