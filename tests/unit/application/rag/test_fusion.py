import pytest

from llm_engineering.application.rag.fusion import Ranking, capped, fuse, without_repeats
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.queries import Candidate, ScoredChunk
from tests.builders import make_chunk

A, B, C = (make_chunk(text=text, position=n) for n, text in enumerate("abc"))
NAMES = {chunk.id: chunk.text for chunk in (A, B, C)}


def found(*scored: tuple[Chunk, float]) -> list[Candidate]:
    return [Candidate(chunk.id, score) for chunk, score in scored]


def passages(*scored: tuple[Chunk, float]) -> list[ScoredChunk]:
    return [ScoredChunk(chunk=chunk, scores={"fusion": score}) for chunk, score in scored]


def both(
    dense: list[Candidate], sparse: list[Candidate], dense_weight: float = 0.5
) -> list[Ranking]:
    return [Ranking("dense", dense, dense_weight), Ranking("sparse", sparse, 1 - dense_weight)]


def test_a_chunk_found_both_ways_beats_one_found_once() -> None:
    fused = fuse(both(found((A, 0.9), (B, 0.8), (C, 0.1)), found((B, 7.0))))
    assert [NAMES[one.id] for one in fused] == ["b", "a", "c"]


def test_scores_are_scaled_weighted_and_summed() -> None:
    fused = fuse(
        both(
            found((A, 0.9), (B, 0.5), (C, 0.1)),
            found((C, 8.0), (A, 4.0)),
            dense_weight=0.75,
        )
    )
    # by hand: dense scaled 1, .5, 0; sparse scaled c 1, a 0
    assert {NAMES[one.id]: one.scores["fusion"] for one in fused} == pytest.approx(
        {"a": 0.75, "b": 0.375, "c": 0.25}
    )


def test_every_score_is_kept_and_fusion_is_last() -> None:
    (first, *_) = fuse(both(found((A, 0.9)), found((A, 3.0))))
    assert first.scores == {"dense": 0.9, "sparse": 3.0, "fusion": 1.0}
    assert list(first.scores)[-1] == "fusion"


def test_one_side_may_be_empty() -> None:
    assert [one.id for one in fuse(both(found((A, 0.5), (B, 0.4)), []))] == [A.id, B.id]
    assert [one.id for one in fuse(both([], found((B, 2.0))))] == [B.id]
    assert fuse(both([], [])) == []


def test_ties_keep_the_dense_order() -> None:
    fused = fuse(both(found((B, 0.5), (A, 0.5)), []))
    assert [one.id for one in fused] == [B.id, A.id]


def test_negative_scores_are_scaled_too() -> None:
    fused = fuse(both(found((A, -0.1), (B, -0.3)), [], dense_weight=1.0))
    assert [one.scores["fusion"] for one in fused] == [1.0, 0.0]


def test_the_ranks_alone_decide_when_they_are_asked_for() -> None:
    fused = fuse(both(found((A, 0.9), (B, 0.1)), found((B, 7.0), (C, 6.9))), "rrf")
    # by hand: half of 1/61, half of 1/62 + 1/61, half of 1/62
    assert {NAMES[one.id]: one.scores["fusion"] for one in fused} == pytest.approx(
        {"a": 0.5 / 61, "b": 0.5 / 62 + 0.5 / 61, "c": 0.5 / 62}
    )
    assert [NAMES[one.id] for one in fused] == ["b", "a", "c"]


def test_of_two_rankings_of_one_stage_the_better_score_is_kept() -> None:
    question, variant = found((A, 0.9), (B, 0.2)), found((B, 0.7), (A, 0.4))
    fused = fuse([Ranking("dense", question, 1.0), Ranking("dense", variant, 0.5)])
    assert {NAMES[one.id]: one.scores["dense"] for one in fused} == {"a": 0.9, "b": 0.7}
    assert [one.scores["fusion"] for one in fused] == pytest.approx([2 / 3, 1 / 3])


def test_a_repeated_passage_is_kept_where_it_ranks_best() -> None:
    copy = make_chunk(text="a", url="https://example.org/copy")
    kept = without_repeats(passages((A, 0.9), (B, 0.8), (copy, 0.7)))
    assert [one.chunk for one in kept] == [A, B]


def test_what_is_beyond_the_cap_waits_until_others_had_their_turn() -> None:
    other = make_chunk(text="other", url="https://example.org/other")
    ranking = passages((A, 0.9), (B, 0.8), (C, 0.7), (other, 0.1))
    assert [f.chunk.text for f in capped(ranking, 2)] == ["a", "b", "other", "c"]
    assert capped(ranking, 0) == ranking
