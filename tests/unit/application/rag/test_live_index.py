import pytest

from llm_engineering.application.rag.live_index import searchable
from llm_engineering.domain.errors import ConfigurationError, InvalidInput
from llm_engineering.domain.releases import Generation
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel

MODEL = HashingEmbeddingModel()


def index_of(embedder: str) -> InMemoryChunkIndex:
    index = InMemoryChunkIndex()
    generation = Generation(embedder=embedder, chunker="chunker", dimension=MODEL.dimension)
    index.create(generation)
    index.switch(generation)
    return index


def test_the_index_of_the_same_model_can_be_searched() -> None:
    index = index_of(MODEL.fingerprint)
    assert searchable(index, MODEL, "small") == index.live()


def test_without_an_index_it_says_what_to_type() -> None:
    with pytest.raises(InvalidInput, match="poe run-etl, then poe run-feature"):
        searchable(InMemoryChunkIndex(), MODEL, "small")


def test_the_index_of_another_model_is_refused_with_the_command_that_fixes_it() -> None:
    with pytest.raises(ConfigurationError, match="TEXT_EMBEDDING_MODEL_ID=small: poe run-feature"):
        searchable(index_of("other"), MODEL, "small")
