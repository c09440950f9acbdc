"""Cleaned documents become embedded chunks: the costly part of a run, which workers do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from llm_engineering.application.preprocessing.cpu_times import CpuTimes
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    EmbeddingDispatcher,
)
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.cleaned_documents import CleanedDocument
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import DocumentError, InvalidInput

Vector = tuple[float, ...]


@dataclass(frozen=True)
class FeatureWork:
    """A document to work on; `known` has vectors of its passages by their hash, not to be made."""

    document: CleanedDocument
    known: Mapping[str, Vector] = field(default_factory=dict)


@dataclass(frozen=True)
class Features:
    """The chunks of a document, or why it has none, and how many passages were embedded for it.

    `cpu_s` are seconds of the worker's CPU by stage; the first document of a batch has them all.
    """

    document_id: UUID
    chunks: Sequence[EmbeddedChunk] = ()
    failure: str | None = None
    embedded: int = 0
    cpu_s: Mapping[str, float] = field(default_factory=dict)


class Featurizer:
    """A worker: chunks and embeds the documents of a batch together.

    Args:
        chunking, embedding: what it works with.
        batch_size: passages that are embedded at once.
    """

    def __init__(
        self, chunking: ChunkingDispatcher, embedding: EmbeddingDispatcher, batch_size: int
    ) -> None:
        self._chunking = chunking
        self._embedding = embedding
        self._batch_size = batch_size

    def __call__(self, batch: Sequence[FeatureWork]) -> Sequence[Features]:
        """Returns the features of each document, in order.

        Raises:
            ModelError: the embedder failed.
        """
        cpu = CpuTimes()
        with cpu.of("chunk"):
            cut = [self._chunks(work.document) for work in batch]
        vectors = {key: vector for work in batch for key, vector in work.known.items()}
        with cpu.of("embed"):
            owner = self._embed_missing([chunks for chunks, _ in cut], vectors)
            features = [
                Features(
                    work.document.document_id,
                    self._embedding.dispatch(chunks, [vectors[c.passage_hash] for c in chunks]),
                    failure,
                    embedded=owner.count(place),
                )
                for place, (work, (chunks, failure)) in enumerate(zip(batch, cut, strict=True))
            ]
        return _with_cpu(features, cpu)

    def _chunks(self, document: CleanedDocument) -> tuple[Sequence[Chunk], str | None]:
        try:
            return self._chunking.dispatch(document), None
        except (DocumentError, InvalidInput) as error:
            return (), str(error)

    def _embed_missing(
        self, documents: Sequence[Sequence[Chunk]], vectors: dict[str, Vector]
    ) -> list[int]:
        """Adds the missing vectors; returns, for each new one, the document it was made for."""
        missing: dict[str, str] = {}
        owner: list[int] = []
        for place, chunks in enumerate(documents):
            for chunk in chunks:
                if chunk.passage_hash not in vectors and chunk.passage_hash not in missing:
                    missing[chunk.passage_hash] = chunk.passage
                    owner.append(place)
        keys = list(missing)
        for start in range(0, len(keys), self._batch_size):
            some = keys[start : start + self._batch_size]
            made = self._embedding.vectors([missing[key] for key in some])
            vectors.update(zip(some, made, strict=True))
        return owner


def _with_cpu(features: list[Features], cpu: CpuTimes) -> list[Features]:
    if features:
        first = features[0]
        features[0] = Features(
            first.document_id, first.chunks, first.failure, first.embedded, cpu.seconds
        )
    return features
