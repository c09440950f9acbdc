"""Embedding: chunks and questions get their dense and sparse vectors."""

from collections.abc import Sequence

from llm_engineering.application.ports.models import SparseEncoder
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.embedded_chunks import EMBEDDED_TYPES, EmbeddedChunk
from llm_engineering.domain.types import DataCategory

SEARCHED_WORDS = "titles-twice"  # names the rule of `searched_words`: another one, another index


def embed_chunk(
    chunk: Chunk, vector: Sequence[float], sparse: SparseEncoder, embedder: str
) -> EmbeddedChunk:
    """Returns the chunk with its vectors; `embedder` names the model of the dense one."""
    kind = EMBEDDED_TYPES[chunk.category]
    return kind(
        **dict(chunk),
        embedding=tuple(vector),
        sparse=sparse.encode_passage(searched_words(chunk)),
        embedder=embedder,
    )


def searched_words(chunk: Chunk) -> str:
    """Returns the text by whose words a chunk is found: its passage, and the title once more.

    A title says what a document is about in few words, so its words count for more than others
    (the fields of BM25F: Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25
    and Beyond", 3.6). The title of a post is but its first words, and counts as they do.
    """
    if chunk.category is DataCategory.POSTS:
        return chunk.passage
    return f"{chunk.title}\n{chunk.passage}"
