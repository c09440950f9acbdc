from collections.abc import Mapping, Sequence
from typing import Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.rag.config import RelevanceFeedbackConfig
from llm_engineering.application.rag.fusion import Fused
from llm_engineering.application.rag.relevance_feedback import SCORE, with_relevance_feedback
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.queries import Arm, Candidate
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from tests.builders import make_embedded_chunk, make_generation, numbered_id

GENERATION = make_generation()
BOTH: Mapping[Arm, float] = {"dense": 0.5, "sparse": 0.5}
NORTH, EAST, SOUTH = (1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (-1.0, 0.0, 0.0, 0.0)


class AskedIndex(InMemoryChunkIndex):
    """Notes what is to be compared with what."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[list[int], list[int]]] = []

    def alike(self, to: Sequence[UUID], among: Sequence[UUID]) -> Mapping[Arm, Sequence[Candidate]]:
        self.asked.append(([one.int for one in to], [one.int for one in among]))
        return super().alike(to, among)


class BrokenIndex(InMemoryChunkIndex):
    def alike(self, to: Sequence[UUID], among: Sequence[UUID]) -> Mapping[Arm, Sequence[Candidate]]:
        raise StoreUnavailable("no index")


def index_of(*chunks: EmbeddedChunk) -> AskedIndex:
    index = AskedIndex()
    index.create(GENERATION)
    index.switch(GENERATION)
    index.upsert(GENERATION, chunks)
    return index


def chunk(number: int, embedding: tuple[float, ...], *terms: int) -> EmbeddedChunk:
    return make_embedded_chunk(
        f"text {number}",
        id=numbered_id(number),
        embedding=embedding,
        sparse=dict.fromkeys(terms, 1.0),
    )


def fused(*scores: float) -> list[Fused]:
    return [Fused(numbered_id(n), {"fusion": score}) for n, score in enumerate(scores, start=1)]


def order(found: Sequence[Fused]) -> list[int]:
    return [one.id.int for one in found]


# 1 is the first; 2 has nothing of it, 3 its words and its meaning, 4 its words alone
INDEX = (chunk(1, NORTH, 7, 8), chunk(2, SOUTH, 9), chunk(3, NORTH, 7, 8), chunk(4, SOUTH, 7, 8))
FOUND = fused(1.0, 0.6, 0.5, 0.4)


def test_what_resembles_the_first_moves_up() -> None:
    config = RelevanceFeedbackConfig(weight=0.2, passages=1)
    found = with_relevance_feedback(index_of(*INDEX), FOUND, BOTH, config)
    # by hand: cosines 1, -1, 1, -1 scaled to 1, 0, 1, 0; equal words of 1, 3 and 4 scaled to 1
    assert order(found) == [1, 3, 2, 4]
    scores = {one.id.int: one.scores for one in found}
    assert scores[1][SCORE] == pytest.approx(0.8 * 1.0 + 0.2 * 1.0)
    assert scores[3][SCORE] == pytest.approx(0.8 * 0.5 + 0.2 * 1.0)
    assert scores[2][SCORE] == pytest.approx(0.8 * 0.6)
    assert scores[4][SCORE] == pytest.approx(0.8 * 0.4 + 0.2 * 0.5)


def test_scores_before_are_kept_and_the_new_one_is_last() -> None:
    found = with_relevance_feedback(index_of(*INDEX), FOUND, BOTH, RelevanceFeedbackConfig())
    assert all(list(one.scores) == ["fusion", SCORE] for one in found)
    assert {one.id: one.scores["fusion"] for one in found} == {
        one.id: one.scores["fusion"] for one in FOUND
    }
    assert all(SCORE not in one.scores for one in FOUND), "the input is not changed"


def test_resemblance_counts_as_the_searches_do() -> None:
    config = RelevanceFeedbackConfig(weight=1.0, passages=1)
    words = with_relevance_feedback(index_of(*INDEX), FOUND, {"dense": 0, "sparse": 1}, config)
    meaning = with_relevance_feedback(index_of(*INDEX), FOUND, {"dense": 1, "sparse": 0}, config)
    assert order(words) == [1, 3, 4, 2]
    assert order(meaning) == [1, 3, 2, 4]


def test_only_the_head_is_compared_with_its_first() -> None:
    index = index_of(*INDEX)
    config = RelevanceFeedbackConfig(weight=0.2, passages=2, candidates=3)
    found = with_relevance_feedback(index, FOUND, BOTH, config)
    assert index.asked == [([1, 2], [1, 2, 3])]
    assert found[-1].id.int == 4
    assert found[-1].scores[SCORE] == pytest.approx(0.8 * 0.4)


@pytest.mark.parametrize(
    ("found", "weight"), [(FOUND, 0.0), ([], 0.2), (FOUND[:1], 0.2)], ids=["off", "none", "one"]
)
def test_where_nothing_can_change_the_index_is_not_asked(found: list[Fused], weight: float) -> None:
    index = index_of(*INDEX)
    config = RelevanceFeedbackConfig(weight=weight)
    assert with_relevance_feedback(index, found, BOTH, config) == found
    assert index.asked == []


@pytest.mark.parametrize("method", ["weighted", "rrf"])
def test_candidates_that_are_gone_stay_in_the_ranking(method: Literal["weighted", "rrf"]) -> None:
    config = RelevanceFeedbackConfig()
    found = with_relevance_feedback(index_of(*INDEX[1:]), FOUND, BOTH, config, method)
    assert sorted(order(found)) == [1, 2, 3, 4]


def test_an_index_where_all_of_it_is_gone_keeps_the_order() -> None:
    found = with_relevance_feedback(index_of(), FOUND, BOTH, RelevanceFeedbackConfig())
    assert order(found) == [1, 2, 3, 4]


def test_an_outage_is_told() -> None:
    with pytest.raises(StoreUnavailable, match="no index"):
        with_relevance_feedback(BrokenIndex(), FOUND, BOTH, RelevanceFeedbackConfig())


@given(
    scores=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8),
    directions=st.lists(st.sampled_from([NORTH, EAST, SOUTH]), min_size=8, max_size=8),
    weight=st.floats(0.0, 1.0),
    head=st.integers(1, 10),
)
def test_nothing_is_lost_and_scores_fall_within_bounds(
    scores: list[float], directions: list[tuple[float, ...]], weight: float, head: int
) -> None:
    before = fused(*sorted(scores, reverse=True))
    index = index_of(*(chunk(n, to, n % 3) for n, to in enumerate(directions, start=1)))
    config = RelevanceFeedbackConfig(weight=weight, passages=2, candidates=head)
    after = with_relevance_feedback(index, before, BOTH, config)
    assert sorted(order(after)) == sorted(order(before))
    last = [list(one.scores.values())[-1] for one in after]
    assert last == sorted(last, reverse=True)
    assert all(0.0 <= score <= 1.0 + 1e-9 for score in last)
