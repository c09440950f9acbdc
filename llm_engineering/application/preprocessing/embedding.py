"""Embedding: chunks and questions get their dense and sparse vectors."""

from collections.abc import Sequence

from llm_engineering.application.ports.models import SparseEncoder
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.embedded_chunks import EMBEDDED_TYPES, EmbeddedChunk


def embed_chunk(
    chunk: Chunk, vector: Sequence[float], sparse: SparseEncoder, embedder: str
) -> EmbeddedChunk:
    """Returns the chunk with its vectors; `embedder` names the model of the dense one."""
    kind = EMBEDDED_TYPES[chunk.category]
    return kind(
        **dict(chunk),
        embedding=tuple(vector),
        sparse=sparse.encode_passage(chunk.passage),
        embedder=embedder,
    )
