from collections.abc import Sequence
from typing import Any, Literal

import pytest

from llm_engineering.application.rag.retriever import ContextRetriever
from llm_engineering.domain.embedded_chunks import EMBEDDED_TYPES, EmbeddedChunk
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.queries import EmbeddedQuery, Query, ScoredChunk, SearchFilters
from llm_engineering.domain.releases import Generation
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from tests.builders import make_chunk

MODEL = HashingEmbeddingModel(dimension=128)
WORDS = WordSparseEncoder()
GENERATION = Generation(embedder=MODEL.fingerprint, chunker="c", dimension=128)


def embedded(text: str, n: int, **fields: Any) -> EmbeddedChunk:
    chunk = make_chunk(text=text, url=f"https://example.org/{n}", heading_path=(), **fields)
    (vector,) = MODEL.embed_passages([chunk.passage])
    return EMBEDDED_TYPES[chunk.category].model_validate(
        {
            **chunk.model_dump(),
            "embedding": vector,
            "sparse": WORDS.encode_passage(chunk.passage),
            "embedder": MODEL.fingerprint,
        }
    )


def retriever(*chunks: EmbeddedChunk, k: int = 5) -> ContextRetriever:
    index = InMemoryChunkIndex()
    index.create(GENERATION)
    index.upsert(GENERATION, chunks)
    index.commit(GENERATION)
    index.switch(GENERATION)
    return ContextRetriever(index=index, embedder=MODEL, sparse_encoder=WORDS, k=k)


CORPUS = (
    embedded("the tide turns twice a day", 0),
    embedded("the bilge pump starts at four centimetres", 1, author_full_name="Grace Hopper"),
    embedded("apple trees are pruned in winter", 2),
)


def test_the_best_passage_comes_first_with_every_score() -> None:
    found = retriever(*CORPUS).retrieve(Query(text="when does the bilge pump start"))
    assert found[0].chunk.url == "https://example.org/1"
    assert set(found[0].scores) == {"dense", "sparse", "fusion"}
    assert [item.score for item in found] == sorted((i.score for i in found), reverse=True)


def test_k_bounds_what_is_returned() -> None:
    assert len(retriever(*CORPUS, k=2).retrieve(Query(text="the tide"))) == 2
    assert len(retriever(*CORPUS).retrieve(Query(text="the tide"), k=1)) == 1


def test_filters_reach_both_searches() -> None:
    filters = SearchFilters(authors=("Grace Hopper",))
    found = retriever(*CORPUS).retrieve(Query(text="the tide turns", filters=filters))
    assert {item.chunk.author_full_name for item in found} == {"Grace Hopper"}


def test_the_same_passage_on_two_pages_is_returned_once() -> None:
    twice = [embedded("the tide turns twice a day", n) for n in (0, 7)]
    assert len(retriever(*twice).retrieve(Query(text="tide"))) == 1


def test_an_index_with_nothing_live_gives_nothing() -> None:
    empty = ContextRetriever(index=InMemoryChunkIndex(), embedder=MODEL, sparse_encoder=WORDS)
    assert empty.retrieve(Query(text="tide")) == []


def test_it_is_a_langchain_retriever() -> None:
    documents = retriever(*CORPUS).invoke("pruned apple trees")
    assert documents[0].page_content == "apple trees are pruned in winter"
    assert documents[0].metadata["url"] == "https://example.org/2"
    assert documents[0].metadata["scores"]["fusion"] == pytest.approx(1.0)


class BrokenIndex(InMemoryChunkIndex):
    """Out of reach."""

    def search(
        self, query: EmbeddedQuery, *, by: Literal["dense", "sparse"], limit: int
    ) -> Sequence[ScoredChunk]:
        raise StoreUnavailable("Qdrant is out of reach")


def test_an_outage_is_an_error_and_no_empty_list() -> None:
    broken = ContextRetriever(index=BrokenIndex(), embedder=MODEL, sparse_encoder=WORDS)
    with pytest.raises(StoreUnavailable, match="out of reach"):
        broken.retrieve(Query(text="tide"))
