import pytest

from llm_engineering.application.rag.fusion import fuse
from llm_engineering.domain.queries import ScoredChunk
from tests.builders import make_chunk

A, B, C = (make_chunk(text=text, position=n) for n, text in enumerate("abc"))


def ranking(stage: str, *scored: tuple[object, float]) -> list[ScoredChunk]:
    return [ScoredChunk(chunk=chunk, scores={stage: score}) for chunk, score in scored]


def test_a_chunk_found_both_ways_beats_one_found_once() -> None:
    fused = fuse(ranking("dense", (A, 0.9), (B, 0.8), (C, 0.1)), ranking("sparse", (B, 7.0)))
    assert [found.chunk.text for found in fused] == ["b", "a", "c"]


def test_scores_are_scaled_weighted_and_summed() -> None:
    fused = fuse(
        ranking("dense", (A, 0.9), (B, 0.5), (C, 0.1)),
        ranking("sparse", (C, 8.0), (A, 4.0)),
        dense_weight=0.75,
    )
    # by hand: dense scaled 1, .5, 0; sparse scaled c 1, a 0
    assert {found.chunk.text: found.score for found in fused} == pytest.approx(
        {"a": 0.75, "b": 0.375, "c": 0.25}
    )


def test_every_score_is_kept_and_fusion_is_last() -> None:
    (first, *_) = fuse(ranking("dense", (A, 0.9)), ranking("sparse", (A, 3.0)))
    assert first.scores == {"dense": 0.9, "sparse": 3.0, "fusion": 1.0}
    assert first.score == 1.0


def test_one_side_may_be_empty() -> None:
    assert [f.chunk for f in fuse(ranking("dense", (A, 0.5), (B, 0.4)), [])] == [A, B]
    assert [f.chunk for f in fuse([], ranking("sparse", (B, 2.0)))] == [B]
    assert fuse([], []) == []


def test_ties_keep_the_dense_order() -> None:
    fused = fuse(ranking("dense", (B, 0.5), (A, 0.5)), [])
    assert [found.chunk for found in fused] == [B, A]


def test_negative_scores_are_scaled_too() -> None:
    fused = fuse(ranking("dense", (A, -0.1), (B, -0.3)), [], dense_weight=1.0)
    assert [found.score for found in fused] == [1.0, 0.0]
