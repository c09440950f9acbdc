from collections.abc import Callable

import pytest

from llm_engineering.application.preprocessing.cleaning import clean_document
from llm_engineering.application.preprocessing.config import ChunkingConfig
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    EmbeddingDispatcher,
)
from llm_engineering.application.preprocessing.sampling import SAMPLE, verify_sample
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import IntegrityError
from llm_engineering.domain.releases import Generation
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from tests.documents import make_post

MODEL = HashingEmbeddingModel()
NEW = Generation(embedder=MODEL.fingerprint, chunker="chunker", dimension=MODEL.dimension)
Change = Callable[[EmbeddedChunk], EmbeddedChunk]


def verify(change: Change = lambda chunk: chunk, posts: int = 3) -> None:
    """Verifies an index of posts, the chunks of which were changed."""
    store, index = InMemoryDocumentStore(), InMemoryChunkIndex()
    index.create(NEW)
    chunking = ChunkingDispatcher(MODEL, ChunkingConfig(chunk_tokens=32, heading_tokens=8))
    embedding = EmbeddingDispatcher(MODEL, WordSparseEncoder())
    for number in range(posts):
        cleaned = clean_document(make_post(f"Post {number}.", url=f"https://e.org/{number}"))
        store.save_cleaned(cleaned)
        index.upsert(NEW, [change(c) for c in embedding.dispatch(chunking.dispatch(cleaned))])
    verify_sample(index, NEW, store, MODEL)


@pytest.mark.parametrize("posts", [0, 1, SAMPLE + 1])
def test_chunks_that_are_what_they_should_be_pass(posts: int) -> None:
    verify(posts=posts)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"text": "Post 9."}, "has not the text of its document"),
        ({"start": 1}, "has not the text of its document"),
        ({"revision": "of another time"}, "has not the text of its document"),
        (
            {"embedding": tuple(MODEL.embed_passages(["something else"])[0])},
            "has not the vector of its text",
        ),
    ],
)
def test_a_chunk_that_is_not_is_named(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(IntegrityError, match=rf"chunk 0 of https://e\.org/\d {complaint}"):
        verify(lambda chunk: chunk.model_copy(update=change))
