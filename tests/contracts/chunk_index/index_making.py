"""What the suites of ChunkIndex share: two generations, and chunks that are easy to tell apart."""

from collections.abc import Callable

from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from tests.builders import make_embedded_chunk, make_generation, numbered_id

Open = Callable[[], ChunkIndex]

GENERATION = make_generation()
OTHER = make_generation(embedder="embedder-2")


def chunk(number: int, **fields: object) -> EmbeddedChunk:
    return make_embedded_chunk(f"text {number}", id=numbered_id(number), **fields)  # type: ignore[arg-type]


def fill(index: ChunkIndex, *chunks: EmbeddedChunk) -> None:
    index.upsert(GENERATION, chunks)
    index.commit(GENERATION)


def ids(chunks: object) -> list[int]:
    return sorted(found.id.int for found in chunks)  # type: ignore[attr-defined]
