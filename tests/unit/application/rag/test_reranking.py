from collections.abc import Sequence

import pytest

from llm_engineering.application.rag.config import RerankConfig
from llm_engineering.application.rag.reranking import Reranker
from llm_engineering.domain.queries import ScoredChunk
from tests.builders import make_chunk

RANKING = [
    ScoredChunk(
        chunk=make_chunk(text=text, heading_path=(), position=n), scores={"fusion": 1.0 - n / 10}
    )
    for n, text in enumerate("abcd")
]


class Scripted:
    """Scores passages as told."""

    fingerprint = "scripted"

    def __init__(self, **scores: float) -> None:
        self.scores = scores
        self.read: list[str] = []

    def score(self, query: str, passages: Sequence[str]) -> Sequence[float]:
        self.read += passages
        return [self.scores.get(passage, 0.0) for passage in passages]


def test_both_scores_decide_as_they_are_weighted() -> None:
    scorer = Scripted(a=-4.0, b=0.0, c=4.0, d=-4.0)
    ranked = Reranker(scorer, RerankConfig(first_stage_weight=0.25)).rerank("?", RANKING)
    # by hand: fusion scaled 1, 2/3, 1/3, 0; pair scaled 0, 1/2, 1, 0
    assert {f.chunk.text: f.score for f in ranked} == pytest.approx(
        {"c": 0.25 / 3 + 0.75, "b": 0.25 * 2 / 3 + 0.375, "a": 0.25, "d": 0.0}
    )
    assert [f.chunk.text for f in ranked] == ["c", "b", "a", "d"]
    assert ranked[0].scores == pytest.approx({"fusion": 0.8, "pair": 4.0, "rerank": 0.8333333})


def test_at_the_ends_of_the_weight_one_alone_decides() -> None:
    scorer = Scripted(d=1.0)
    only_pairs = Reranker(scorer, RerankConfig(first_stage_weight=0.0)).rerank("?", RANKING)
    only_first = Reranker(scorer, RerankConfig(first_stage_weight=1.0)).rerank("?", RANKING)
    assert [f.chunk.text for f in only_pairs] == ["d", "a", "b", "c"]
    assert [f.chunk.text for f in only_first] == ["a", "b", "c", "d"]


def test_passages_beyond_the_candidates_follow_unread() -> None:
    scorer = Scripted(b=1.0)
    ranked = Reranker(scorer, RerankConfig(candidates=2)).rerank("?", RANKING)
    assert scorer.read == ["a", "b"]
    assert [f.chunk.text for f in ranked][2:] == ["c", "d"]
    assert [f.score for f in ranked] == sorted((f.score for f in ranked), reverse=True)
    assert "pair" not in ranked[2].scores


def test_warming_up_runs_the_scorer() -> None:
    scorer = Scripted()
    Reranker(scorer, RerankConfig()).warm_up()
    assert scorer.read == ["warm up"]
