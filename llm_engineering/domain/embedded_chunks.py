"""Chunks with their vectors: what goes into the index."""

from collections.abc import Sequence
from typing import Literal

from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.types import DataCategory, Frozen


class SparseVector(Frozen):
    """Term weights: `values[i]` belongs to the term numbered `indices[i]`; indices are unique."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


def dense_sum(vectors: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Returns the sum of vectors of one length; of none, an empty one.

    Raises:
        ValueError: their lengths differ.
    """
    return tuple(map(sum, zip(*vectors, strict=True)))


def sparse_sum(vectors: Sequence[SparseVector]) -> SparseVector:
    """Returns the term weights of all vectors added up, the terms in order of their numbers."""
    weights: dict[int, float] = {}
    for vector in vectors:
        for term, value in zip(vector.indices, vector.values, strict=True):
            weights[term] = weights.get(term, 0.0) + value
    terms = tuple(sorted(weights))
    return SparseVector.model_construct(
        indices=terms, values=tuple(map(weights.__getitem__, terms))
    )


class EmbeddedChunk(Chunk):
    """A chunk with its dense vector (unit length) and its sparse term weights.

    `embedder` is the fingerprint of the model that made `embedding`.
    """

    embedding: tuple[float, ...]
    sparse: SparseVector
    embedder: str


class EmbeddedArticleChunk(EmbeddedChunk):
    """An embedded chunk of an article."""

    category: Literal[DataCategory.ARTICLES] = DataCategory.ARTICLES


class EmbeddedPostChunk(EmbeddedChunk):
    """An embedded chunk of a post."""

    category: Literal[DataCategory.POSTS] = DataCategory.POSTS


class EmbeddedRepositoryChunk(EmbeddedChunk):
    """An embedded chunk of a repository file."""

    category: Literal[DataCategory.REPOSITORIES] = DataCategory.REPOSITORIES


EMBEDDED_TYPES: dict[DataCategory, type[EmbeddedChunk]] = {
    DataCategory.ARTICLES: EmbeddedArticleChunk,
    DataCategory.POSTS: EmbeddedPostChunk,
    DataCategory.REPOSITORIES: EmbeddedRepositoryChunk,
}
