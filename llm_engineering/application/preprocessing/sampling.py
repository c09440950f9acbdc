"""A sample of a new generation, held against the documents and the model, before it goes live."""

from collections.abc import Sequence
from itertools import islice

from llm_engineering.application.ports.models import EmbeddingModel
from llm_engineering.application.ports.storage import ChunkIndex, DocumentStore
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import IntegrityError
from llm_engineering.domain.releases import Generation

SAMPLE = 16  # chunks; ids are hashes, so the first ones are as good as random ones
# of a vector and its passage embedded again: batches of other shapes round differently in BF16
LEAST_COSINE = 0.99


def verify_sample(
    index: ChunkIndex, generation: Generation, store: DocumentStore, model: EmbeddingModel
) -> None:
    """Returns if a sample of chunks has the text of its documents and the vectors of the model.

    Raises:
        IntegrityError: a chunk has another text, or a vector is not its passage's.
        StoreUnavailable, ModelError: an outage.
    """
    sample = list(islice(index.scroll(generation), SAMPLE))
    for chunk in sample:
        cleaned = store.cleaned(chunk.document_id, chunk.revision)
        if cleaned is None or cleaned.content[chunk.start : chunk.end] != chunk.text:
            raise _wrong(generation, chunk, "has not the text of its document")
    if sample:
        again = model.embed_passages([chunk.passage for chunk in sample])
        for chunk, vector in zip(sample, again, strict=True):
            if _dot(chunk.embedding, vector) < LEAST_COSINE:
                raise _wrong(generation, chunk, "has not the vector of its text")


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _wrong(generation: Generation, chunk: EmbeddedChunk, what: str) -> IntegrityError:
    return IntegrityError(
        f"generation {generation.name}: chunk {chunk.position} of {chunk.url} {what}; "
        "the live one was not changed"
    )
