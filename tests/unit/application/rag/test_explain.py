from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from llm_engineering.application.ports.likeness import Likeness
from llm_engineering.application.rag.config import RagConfig, RerankConfig
from llm_engineering.application.rag.explain import RetrievalExplainer
from llm_engineering.application.rag.reranking import Reranker
from llm_engineering.domain.documents import Tombstone
from llm_engineering.domain.errors import InvalidInput, StoreUnavailable
from llm_engineering.domain.explanations import Explanation, Fate
from llm_engineering.domain.ids import document_id, user_id
from llm_engineering.domain.queries import Query, SearchFilters
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.likeness_store import InMemoryLikenessStore
from tests.documents import VISITED, make_article
from tests.unit.application.rag.test_retriever import (
    BrokenEmbedder,
    BrokenIndex,
    Reads,
    embedded,
    retriever,
)

TIDE = Query(text="when does the tide turn")
CORPUS = [
    embedded("when does the tide turn", 0),
    embedded("the tide does turn", 1),
    embedded("a tide table", 2, author_full_name="Grace Hopper", published=None),
    embedded("bilge pumps", 3),
]


def url(n: int) -> str:
    return f"https://example.org/{n}"


class Bench:
    """The stores around a retriever."""

    def __init__(self, *chunks: Any, k: int = 1, **stages: Any) -> None:
        self.store = InMemoryDocumentStore()
        self.likenesses = InMemoryLikenessStore()
        self.retriever = retriever(*(chunks or CORPUS), **{"config": RagConfig(k=k), **stages})
        self.explainer = RetrievalExplainer(self.retriever, self.store, self.likenesses)

    def explain(self, n: int, query: Query = TIDE, k: int | None = None) -> Explanation:
        return self.explainer.explain(query, url(n), k)


def test_what_is_found_has_its_rank_and_score_at_every_stage() -> None:
    bench = Bench()
    found = bench.explain(0)
    (best,) = bench.retriever.retrieve(TIDE).passages
    assert (found.url, found.fate) == (url(0), Fate.FOUND)
    assert found.reason == "its best passage is number 1 of 1"
    stages = {stage.stage: stage for stage in found.stages}
    assert list(stages) == [
        "dense",
        "sparse",
        "fusion",
        "relevance_feedback",
        "distinct",
        "capped",
    ]
    assert {stage.rank for stage in found.stages} == {1}
    assert {name: stages[name].score for name in best.scores} == best.scores
    assert (stages["dense"].of, stages["sparse"].of) == (4, 3)


def test_below_k() -> None:
    found = Bench().explain(1)
    assert (found.fate, found.reason) == (Fate.BELOW_K, "its best passage is number 2; k is 1")
    assert Bench().explain(1, k=2).fate is Fate.FOUND


def test_outside_the_candidates_the_true_rank_is_told() -> None:
    found = Bench(config=RagConfig(k=1, candidates=1)).explain(2)
    assert found.fate is Fate.OUTSIDE_CANDIDATES
    notes = {stage.stage: stage.note for stage in found.stages}
    assert notes["dense"] == "outside the 1 candidates: it is number 3"
    assert notes["fusion"] == "not among what came in"
    (dense, *_) = found.stages
    assert dense.rank is None
    assert dense.score is not None


def test_a_document_without_the_words_is_told_so() -> None:
    found = Bench(config=RagConfig(k=1, dense_weight=0.0)).explain(3)
    assert found.fate is Fate.OUTSIDE_CANDIDATES
    assert found.stages[0].note == "it has none of the question's words"


@pytest.mark.parametrize(
    ("caller", "question", "reason"),
    [
        ({"authors": ("Ada Lovelace",)}, {}, "authors of the caller: it has Grace Hopper"),
        ({}, {"authors": ("Ada Lovelace",)}, "authors of the question: it has Grace Hopper"),
        (
            {"published_from": VISITED.replace(year=2000)},
            {},
            "published of the caller: it has no date",
        ),
        (
            {"authors": ("Ada Lovelace",)},
            {"published_from": VISITED.replace(year=2000)},
            "published of the question: it has no date; authors of the caller: it has Grace Hopper",
        ),
    ],
)
def test_filtered(caller: dict[str, Any], question: dict[str, Any], reason: str) -> None:
    query = Query(text=TIDE.text, filters=SearchFilters(**caller))
    found = Bench(self_query=Reads(**question)).explain(2, query)
    assert (found.fate, found.reason) == (Fate.FILTERED, reason)


def test_a_relaxed_filter_keeps_nothing_out() -> None:
    found = Bench(self_query=Reads(authors=("Nobody",))).explain(0)
    assert (found.fate, found.relaxed) == (Fate.FOUND, ("authors",))
    assert found.filters == SearchFilters()


def test_repeated() -> None:
    found = Bench(*CORPUS, embedded("when does the tide turn", 9)).explain(9)
    other = Bench(*CORPUS, embedded("when does the tide turn", 9)).explain(0)
    (copy,) = [f for f in (found, other) if f.fate is not Fate.FOUND]
    assert copy.fate is Fate.REPEATED
    assert "has the same text" in copy.reason


def test_passages_beyond_the_cap_are_counted() -> None:
    pages = [
        embedded(f"when does the tide turn{extra}", 5, position=n, total=3, revision="0" * 64)
        for n, extra in enumerate(("", " now", " today"))
    ]
    bench = Bench(*pages, embedded("the tide", 6), config=RagConfig(k=1, per_source_cap=1))
    notes = {stage.stage: stage.note for stage in bench.explain(5).stages}
    assert notes["capped"] == "capped: 2 more of its passages wait for other documents"
    ranks = {stage.stage: stage.rank for stage in bench.explain(6).stages}
    assert (ranks["distinct"], ranks["capped"]) == (4, 2)


class Backwards:
    """Likes best what came last."""

    fingerprint = "backwards"

    def score(self, query: str, passages: Sequence[str]) -> Sequence[float]:
        return [float(n) for n in range(len(passages))]


def test_reranked_below_k() -> None:
    rerank = RerankConfig(first_stage_weight=0.0)
    found = Bench(reranker=Reranker(Backwards(), rerank)).explain(0)
    assert found.fate is Fate.RERANKED_BELOW
    assert found.reason == "the reranker moved it from 1 to 4; k is 1"
    assert found.stages[-1].note == "moved from 1 to 4"


def test_a_stage_that_was_left_out_is_named() -> None:
    found = Bench(embedder=BrokenEmbedder(128)).explain(0)
    assert found.degraded == ("embed",)
    assert "dense" not in {stage.stage for stage in found.stages}


def test_unknown_gone_and_not_indexed() -> None:
    bench = Bench()
    assert bench.explain(77).fate is Fate.UNKNOWN
    article = make_article("The tide.", url=url(77))
    bench.store.save(article)
    assert bench.explain(77).fate is Fate.NOT_INDEXED
    bench.store.mark_gone(article.id, VISITED, "HTTP 404")
    assert bench.explain(77).fate is Fate.GONE


@pytest.mark.parametrize(
    ("identity", "of"),
    [(document_id(url(77)), "document"), (user_id("Ada Lovelace"), "author")],
)
def test_tombstoned(identity: UUID, of: Any) -> None:
    bench = Bench()
    bench.store.save(make_article("The tide.", url=url(77)))
    bench.store.bury([Tombstone(id=identity, of=of, at=datetime(2026, 5, 1, tzinfo=UTC))])
    found = bench.explain(77)
    assert found.fate is Fate.TOMBSTONED
    assert "forgotten" in found.reason


def test_duplicate() -> None:
    bench = Bench()
    original, copy = (make_article("The tide.", url=url(n)) for n in (0, 77))
    for article in (original, copy):
        bench.store.save(article)
        bench.likenesses.put(Likeness(article.id, article.revision, "r", (1,), "0"), [])
    bench.likenesses.link({copy.id: original.id})
    found = bench.explain(77)
    assert found.fate is Fate.DUPLICATE
    assert found.reason == f"{url(0)} says the same, and is indexed in its place"


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not a URL: 'tides'"):
        Bench().explainer.explain(TIDE, "tides")


def test_an_outage_is_an_error() -> None:
    broken = Bench().retriever.model_copy(update={"index": BrokenIndex()})
    with pytest.raises(StoreUnavailable):
        RetrievalExplainer(broken, InMemoryDocumentStore(), InMemoryLikenessStore()).explain(
            TIDE, url(0)
        )
