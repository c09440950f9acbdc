"""Domain values for tests: every field has a sensible default, name those that matter."""

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from llm_engineering.domain.answers import Citation
from llm_engineering.domain.chunks import CHUNK_TYPES, Chunk
from llm_engineering.domain.embedded_chunks import EMBEDDED_TYPES, EmbeddedChunk, SparseVector
from llm_engineering.domain.ids import chunk_id, document_id, revision_of, user_id
from llm_engineering.domain.queries import EmbeddedQuery, SearchFilters
from llm_engineering.domain.releases import Generation
from llm_engineering.domain.types import DataCategory

EMBEDDER = "embedder-1"
CHUNKER = "chunker-1"
DIMENSION = 4
PUBLISHED = datetime(2024, 5, 17, 12, 30, tzinfo=UTC)


def make_chunk(
    text: str = "Frozen dataclasses refuse assignment.",
    *,
    url: str = "https://example.org/dataclasses",
    position: int = 0,
    total: int = 1,
    category: DataCategory = DataCategory.ARTICLES,
    author_full_name: str | None = "Ada Lovelace",
    published: datetime | None = PUBLISHED,
    **fields: Any,
) -> Chunk:
    """Returns a chunk; its id follows from url, revision and position unless it is given."""
    document = document_id(url)
    revision = fields.pop("revision", None) or revision_of(url)
    defaults: dict[str, Any] = {
        "id": chunk_id(document, revision, CHUNKER, position),
        "document_id": document,
        "start": 0,
        "end": len(text),
        "heading_path": ("Library", "Dataclasses"),
        "platform": "example.org",
        "title": "Dataclasses",
        "author_id": user_id(author_full_name) if author_full_name else None,
        "language": "en",
    }
    own = {
        "text": text,
        "url": url,
        "revision": revision,
        "position": position,
        "total": total,
        "category": category,
        "author_full_name": author_full_name,
        "published": published,
    }
    return CHUNK_TYPES[category].model_validate({**defaults, **own, **fields})


def make_embedded_chunk(
    text: str = "Frozen dataclasses refuse assignment.",
    *,
    embedding: tuple[float, ...] | None = None,
    sparse: Mapping[int, float] | None = None,
    dimension: int = DIMENSION,
    embedder: str = EMBEDDER,
    **fields: Any,
) -> EmbeddedChunk:
    """Returns a chunk with vectors; unless they are given, the text alone decides them."""
    chunk = make_chunk(text, **fields)
    weights = sparse if sparse is not None else term_weights(text)
    return EMBEDDED_TYPES[chunk.category].model_validate(
        {
            **{name: getattr(chunk, name) for name in Chunk.model_fields},
            "embedding": embedding or unit_vector(text, dimension),
            "sparse": SparseVector(indices=tuple(weights), values=tuple(weights.values())),
            "embedder": embedder,
        }
    )


def make_embedded_query(
    text: str = "How do I freeze a dataclass?",
    *,
    embedding: tuple[float, ...] | None = None,
    sparse: Mapping[int, float] | None = None,
    dimension: int = DIMENSION,
    filters: SearchFilters = SearchFilters(),
) -> EmbeddedQuery:
    """Returns a question with vectors made as `make_embedded_chunk` makes them."""
    weights = sparse if sparse is not None else dict.fromkeys(term_weights(text), 1.0)
    return EmbeddedQuery(
        text=text,
        filters=filters,
        embedding=embedding or unit_vector(text, dimension),
        sparse=SparseVector(indices=tuple(weights), values=tuple(weights.values())),
    )


def make_citation(chunk: Chunk, quote: str, n: int = 1, score: float = 0.9) -> Citation:
    """Returns the citation of words of a chunk."""
    start = chunk.start + chunk.text.index(quote)
    return Citation(
        n=n,
        document_id=chunk.document_id,
        revision=chunk.revision,
        url=chunk.url,
        title=chunk.title,
        author=chunk.author_full_name,
        start=start,
        end=start + len(quote),
        quote=quote,
        score=score,
    )


def make_generation(
    embedder: str = EMBEDDER, chunker: str = CHUNKER, dimension: int = DIMENSION
) -> Generation:
    """Returns an index generation that takes the chunks of this module."""
    return Generation(embedder=embedder, chunker=chunker, dimension=dimension)


def unit_vector(text: str, dimension: int = DIMENSION) -> tuple[float, ...]:
    """Returns a vector of unit length that the text alone decides."""
    values = [_number(f"{position}:{text}") - 0.5 for position in range(dimension)]
    length = math.hypot(*values)
    return tuple(value / length for value in values)


def term_weights(text: str) -> dict[int, float]:
    """Returns a weight for each word of the text, by the word's number."""
    words = text.casefold().split()
    return {term_number(word): words.count(word) / (words.count(word) + 1.0) for word in words}


def term_number(word: str) -> int:
    """Returns the number of a word's dimension in a sparse vector."""
    return int(_number(word.casefold()) * 2**31)


def numbered_id(number: int) -> UUID:
    """Returns a UUID that is easy to read in a failure."""
    return UUID(int=number)


def _number(text: str) -> float:
    """Returns a number from 0.0 to below 1.0 that the text alone decides."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48
