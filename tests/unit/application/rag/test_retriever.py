import threading
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import pytest
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda

from llm_engineering.application.rag.config import RagConfig, RelevanceFeedbackConfig, RerankConfig
from llm_engineering.application.rag.reranking import Reranker
from llm_engineering.application.rag.retriever import ContextRetriever
from llm_engineering.application.rag.self_query import SelfQueryResult
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.embedded_chunks import EMBEDDED_TYPES, EmbeddedChunk
from llm_engineering.domain.errors import ModelError, StoreUnavailable
from llm_engineering.domain.queries import EmbeddedQuery, Query, ScoredChunk, SearchFilters
from llm_engineering.domain.releases import Generation
from llm_engineering.domain.types import DataCategory
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordOverlapScorer,
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


def index_of(*chunks: EmbeddedChunk) -> InMemoryChunkIndex:
    index = InMemoryChunkIndex()
    index.create(GENERATION)
    index.upsert(GENERATION, chunks)
    index.commit(GENERATION)
    index.switch(GENERATION)
    return index


def retriever(*chunks: EmbeddedChunk, k: int = 5, **stages: Any) -> ContextRetriever:
    parts = {"embedder": MODEL, "sparse_encoder": WORDS, "config": RagConfig(k=k), **stages}
    return ContextRetriever(index=index_of(*chunks), **parts)


CORPUS = (
    embedded("the tide turns twice a day", 0),
    embedded("the bilge pump starts at four centimetres", 1, author_full_name="Grace Hopper"),
    embedded("apple trees are pruned in winter", 2),
)


def test_the_best_passage_comes_first_with_every_score() -> None:
    found = retriever(*CORPUS).retrieve(Query(text="when does the bilge pump start")).passages
    assert found[0].chunk.url == "https://example.org/1"
    assert set(found[0].scores) == {"dense", "sparse", "fusion", "relevance_feedback"}
    assert [item.score for item in found] == sorted((i.score for i in found), reverse=True)


def test_k_bounds_what_is_returned() -> None:
    assert len(retriever(*CORPUS, k=2).retrieve(Query(text="the tide")).passages) == 2
    assert len(retriever(*CORPUS).retrieve(Query(text="the tide"), k=1).passages) == 1


def test_filters_reach_both_searches() -> None:
    filters = SearchFilters(authors=("Grace Hopper",))
    found = retriever(*CORPUS).retrieve(Query(text="the tide turns", filters=filters)).passages
    assert {item.chunk.author_full_name for item in found} == {"Grace Hopper"}


def test_the_same_passage_on_two_pages_is_returned_once() -> None:
    twice = [embedded("the tide turns twice a day", n) for n in (0, 7)]
    assert len(retriever(*twice).retrieve(Query(text="tide")).passages) == 1


def test_an_index_with_nothing_live_gives_nothing() -> None:
    empty = ContextRetriever(index=InMemoryChunkIndex(), embedder=MODEL, sparse_encoder=WORDS)
    assert empty.retrieve(Query(text="tide")).passages == ()


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


class Reads(Runnable[Query, SelfQueryResult]):
    """Reads always the same out of a question, or fails, after some time."""

    def __init__(self, error: Exception | None = None, after_s: float = 0.0, **filters: Any):
        self.result = SelfQueryResult(SearchFilters(**filters))
        self.error, self.after_s = error, after_s

    def invoke(
        self, input: Query, config: RunnableConfig | None = None, **_: Any
    ) -> SelfQueryResult:
        threading.Event().wait(self.after_s)
        if self.error:
            raise self.error
        return self.result


def rephrased(*variants: str) -> Runnable[Query, Sequence[str]]:
    def rephrase(query: Query) -> Sequence[str]:
        return [query.text, *variants]

    return RunnableLambda(rephrase)


TIDE = Query(text="the tide")


def test_filters_of_the_question_hold() -> None:
    found = retriever(*CORPUS, self_query=Reads(authors=("Grace Hopper",))).retrieve(TIDE)
    assert {p.chunk.author_full_name for p in found.passages} == {"Grace Hopper"}
    assert found.found_filters == SearchFilters(authors=("Grace Hopper",))
    assert found.relaxed == ()


def test_filters_of_the_question_that_leave_nothing_are_given_up_and_named() -> None:
    reads = Reads(authors=("Grace Hopper",), platforms=("github",))
    found = retriever(*CORPUS, self_query=reads).retrieve(TIDE)
    assert found.relaxed == ("platforms",), "the least that helps"
    assert {p.chunk.author_full_name for p in found.passages} == {"Grace Hopper"}
    assert found.found_filters.platforms == ("github",)


def test_all_are_given_up_when_nothing_less_helps() -> None:
    reads = Reads(authors=("Nobody",), categories=(DataCategory.POSTS,))
    found = retriever(*CORPUS, self_query=reads).retrieve(TIDE)
    assert found.relaxed == ("categories", "authors")
    assert len(found.passages) == 3


def test_filters_of_the_caller_are_never_given_up() -> None:
    asked = Query(text="the tide", filters=SearchFilters(platforms=("github",)))
    found = retriever(*CORPUS, self_query=Reads(authors=("Grace Hopper",))).retrieve(asked)
    assert (found.passages, found.relaxed) == ((), ())


def test_the_question_does_not_widen_what_the_caller_restricts() -> None:
    asked = Query(text="the tide", filters=SearchFilters(authors=("Grace Hopper",)))
    found = retriever(*CORPUS, self_query=Reads(authors=("Ada Lovelace",))).retrieve(asked)
    assert {p.chunk.author_full_name for p in found.passages} == {"Grace Hopper"}
    assert found.relaxed == ()


def test_variants_find_what_the_question_misses() -> None:
    words_only = RagConfig(dense_weight=0.0)
    alone = retriever(*CORPUS, config=words_only).retrieve(Query(text="moisture removal"))
    helped = retriever(*CORPUS, config=words_only, expansion=rephrased("bilge pump"))
    found = helped.retrieve(Query(text="moisture removal"))
    assert alone.passages == ()
    assert [p.chunk.url for p in found.passages] == ["https://example.org/1"]
    assert found.variants == ("moisture removal", "bilge pump")


def test_the_reranker_has_the_last_word_and_is_named() -> None:
    class Shortest(WordOverlapScorer):
        def score(self, query: str, passages: Sequence[str]) -> Sequence[float]:
            return [-float(len(passage)) for passage in passages]

    rerank = RerankConfig(first_stage_weight=0.0)
    config = RagConfig(k=3, rerank=rerank)
    found = retriever(*CORPUS, config=config, reranker=Reranker(Shortest(), rerank)).retrieve(
        Query(text="when does the bilge pump start")
    )
    lengths = [len(p.chunk.text) for p in found.passages]
    assert lengths == sorted(lengths)
    assert found.reranker == Shortest().fingerprint
    assert set(found.passages[0].scores) == {
        *("dense", "sparse", "fusion", "relevance_feedback"),
        *("pair", "rerank"),
    }


@pytest.mark.parametrize("error", [ModelError("no such model"), ValueError("no JSON")])
def test_a_stage_that_fails_is_left_out_and_named(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(WordOverlapScorer):
        def score(self, query: str, passages: Sequence[str]) -> Sequence[float]:
            raise error

    found = retriever(
        *CORPUS,
        self_query=Reads(error),
        expansion=RunnableLambda(lambda _: fail(error)),
        reranker=Reranker(Broken(), RerankConfig()),
    ).retrieve(TIDE)
    assert found.degraded == dict.fromkeys(("self_query", "expansion", "rerank"), str(error))
    assert f"rerank is left out: {error}" in caplog.text
    assert found.passages[0].chunk.url == "https://example.org/0"
    assert found.reranker is None


def fail(error: Exception) -> Sequence[str]:
    raise error


def test_a_stage_that_is_late_is_left_out_and_named() -> None:
    config = RagConfig(deadline_s=0.2)
    found = retriever(*CORPUS, config=config, self_query=Reads(after_s=30)).retrieve(TIDE)
    assert set(found.degraded) == {"self_query"}
    assert len(found.passages) == 3
    assert found.timings_ms["total"] < 5_000


class BrokenEmbedder(HashingEmbeddingModel):
    """Cannot be loaded."""

    def embed_queries(self, texts: Sequence[str]) -> Sequence[tuple[float, ...]]:
        raise ModelError("the weights are gone")


def test_without_the_embedder_words_find_what_they_can() -> None:
    found = retriever(*CORPUS, embedder=BrokenEmbedder(128)).retrieve(TIDE)
    assert set(found.degraded) == {"embed"}
    assert {tuple(p.scores) for p in found.passages} == {("sparse", "fusion", "relevance_feedback")}


def test_without_the_embedder_a_search_by_meaning_alone_is_an_error() -> None:
    config = RagConfig(dense_weight=1.0)
    with pytest.raises(ModelError, match="the weights are gone"):
        retriever(*CORPUS, config=config, embedder=BrokenEmbedder(128)).retrieve(TIDE)


def test_an_index_that_does_not_answer_in_time_is_an_outage() -> None:
    class Hanging(InMemoryChunkIndex):
        def search(
            self, query: EmbeddedQuery, *, by: Literal["dense", "sparse"], limit: int
        ) -> Sequence[ScoredChunk]:
            threading.Event().wait(30)
            return []

    hanging = ContextRetriever(
        index=Hanging(), embedder=MODEL, sparse_encoder=WORDS, config=RagConfig(deadline_s=0.2)
    )
    with pytest.raises(StoreUnavailable, match=r"did not answer: not done in 0\.2 s"):
        hanging.retrieve(TIDE)


def test_every_stage_is_timed() -> None:
    found = retriever(
        *CORPUS,
        self_query=Reads(),
        expansion=rephrased("ebb"),
        reranker=Reranker(WordOverlapScorer(), RerankConfig()),
    ).retrieve(TIDE)
    stages = ["self_query", "expansion", "embed", "search", "fuse", "rerank", "total"]
    assert list(found.timings_ms) == stages
    assert found.timings_ms["total"] >= max(list(found.timings_ms.values())[:-1])


@pytest.mark.parametrize(
    "text", ["the of and", "👩‍🔬🌊", "Когда меняется прилив?", "tide " * 4_000, "\x00?", "潮汐"]
)
def test_odd_questions_are_answered_as_well_as_can_be(text: str) -> None:
    found = retriever(*CORPUS).retrieve(Query(text=text))
    assert (len(found.passages), found.degraded) == (3, {})


def test_a_passage_of_another_document_gets_its_turn() -> None:
    pages = [
        embedded(f"tide table {n}", 8, position=n, total=4, revision="0" * 64) for n in range(4)
    ]
    config = RagConfig(k=3, per_source_cap=2)
    found = retriever(*pages, *CORPUS[1:], config=config).retrieve(Query(text="tide table"))
    urls = [p.chunk.url.rsplit("/")[-1] for p in found.passages]
    assert urls[:2] == ["8", "8"]
    assert urls[2] != "8"


def test_a_trace_has_every_ranking_whole_and_the_same_best() -> None:
    pages = [embedded(f"tide table number {n}", n + 10) for n in range(30)]
    flow = retriever(*CORPUS, *pages, k=2)
    whole, short = flow.trace(TIDE), flow.retrieve(TIDE)
    assert tuple(whole.rankings["top"]) == short.passages
    assert len(whole.rankings["dense"]) == len(whole.rankings["capped"]) == 33
    assert {tuple(found.scores) for found in whole.rankings["sparse"]} == {("sparse",)}
    assert len(flow._run(TIDE, None, whole=False).rankings["fusion"]) == 6


def test_a_generation_that_goes_live_between_search_and_reading_is_searched_again() -> None:
    new = Generation(embedder=MODEL.fingerprint, chunker="new", dimension=128)

    class Switching(InMemoryChunkIndex):
        """Another generation goes live just before the first passages are read."""

        def chunks(self, chunk_ids: Sequence[UUID]) -> Sequence[Chunk]:
            self.switch(new)
            return super().chunks(chunk_ids)

    index = Switching()
    for generation, page in ((GENERATION, 0), (new, 1)):
        index.create(generation)
        index.upsert(generation, [embedded("the tide turns", page)])
    index.switch(GENERATION)
    flow = ContextRetriever(index=index, embedder=MODEL, sparse_encoder=WORDS)
    assert [p.chunk.url for p in flow.retrieve(TIDE).passages] == ["https://example.org/1"]


def test_what_resembles_the_first_passages_comes_before_what_only_shares_a_word() -> None:
    tides = embedded("slack water lasts while the tide turns at the harbour mouth", 0)
    alike = embedded("slack water lasts longer at the harbour mouth", 1)
    word = embedded("a tide of paper turns up on the desk", 2)
    plain = RagConfig(relevance_feedback=RelevanceFeedbackConfig(weight=0.0))
    fed = RagConfig(relevance_feedback=RelevanceFeedbackConfig(weight=0.8, passages=1))
    urls = [
        [
            p.chunk.url[-1]
            for p in retriever(tides, alike, word, config=config).retrieve(TIDE).passages
        ]
        for config in (plain, fed)
    ]
    assert urls == [["0", "2", "1"], ["0", "1", "2"]]


def test_a_long_question_is_searched_for_less_by_meaning() -> None:
    flow = retriever(*CORPUS)
    shares = {
        words: {
            ranking.stage: ranking.weight
            for ranking in flow._run(question, None, whole=False).searched
        }
        for words in (2, 16)
        for question in [Query(text="tide " * words)]
    }
    assert shares[2] == pytest.approx({"dense": 0.6, "sparse": 0.4})
    assert shares[16] == pytest.approx({"dense": 0.53, "sparse": 0.47})
