"""ChunkIndex: how alike passages are to a few others."""

import math
from uuid import UUID

import pytest

from llm_engineering.application.ports.storage import ChunkIndex
from tests.builders import make_embedded_query, numbered_id
from tests.contracts.chunk_index.index_making import GENERATION, OTHER, Open, chunk, fill

NORTH, EAST, SOUTH = (1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (-1.0, 0.0, 0.0, 0.0)
NORTH_EAST = (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)


def numbers(*values: int) -> list[UUID]:
    return [numbered_id(value) for value in values]


def test_vectors_are_compared_with_the_sum_of_the_others(index: ChunkIndex) -> None:
    fill(
        index,
        chunk(1, embedding=NORTH),
        chunk(2, embedding=EAST),
        chunk(3, embedding=SOUTH),
        chunk(4, embedding=NORTH_EAST),
    )

    found = index.alike(numbers(1, 2), among=numbers(1, 3, 4))["dense"]

    assert [one.id.int for one in found] == [4, 1, 3]
    expected = [1.0, math.sqrt(0.5), -math.sqrt(0.5)]
    assert [one.score for one in found] == pytest.approx(expected, abs=1e-6)


def test_words_are_searched_for_by_the_sum_of_the_others_weights(index: ChunkIndex) -> None:
    fill(
        index,
        chunk(1, sparse={7: 1.0, 8: 0.5}),
        chunk(2, sparse={7: 0.5, 9: 1.0}),
        chunk(3, sparse={8: 2.0}),
        chunk(4, sparse={10: 1.0}),
        chunk(5, sparse={9: 1.0, 7: 3.0}),
    )

    found = index.alike(numbers(1, 2), among=numbers(1, 2, 3, 4))["sparse"]

    query = make_embedded_query(sparse={7: 1.5, 8: 0.5, 9: 1.0})
    searched = index.search(query, by="sparse", limit=10)
    expected = [(one.chunk.id, one.score) for one in searched if one.chunk.id.int != 5]
    assert [one.id for one in found] == [chunk_id for chunk_id, _ in expected]
    scores = [score for _, score in expected]
    assert [one.score for one in found] == pytest.approx(scores, abs=1e-5)
    assert {one.id.int for one in found} >= {1, 2, 3}


def test_equal_ones_are_ordered_by_id(index: ChunkIndex) -> None:
    fill(index, *(chunk(n, embedding=NORTH, sparse={7: 1.0}) for n in (5, 3, 9, 1)))
    found = index.alike(numbers(9), among=numbers(9, 5, 3, 1))
    assert [one.id.int for one in found["dense"]] == [1, 3, 5, 9]
    assert [one.id.int for one in found["sparse"]] == [1, 3, 5, 9]


def test_what_is_not_there_is_passed_over(index: ChunkIndex) -> None:
    fill(index, chunk(1, embedding=NORTH, sparse={7: 1.0}), chunk(2, embedding=EAST))
    found = index.alike(numbers(1, 77), among=numbers(2, 1, 78))
    assert [one.id.int for one in found["dense"]] == [1, 2]
    assert {one.id.int for one in found["sparse"]} <= {1, 2}


@pytest.mark.parametrize(
    ("to", "among"), [((), (1,)), ((1,), ()), ((77,), (1,)), ((), ())], ids=str
)
def test_nothing_to_compare_is_nothing_alike(
    index: ChunkIndex, to: tuple[int, ...], among: tuple[int, ...]
) -> None:
    fill(index, chunk(1, embedding=NORTH, sparse={7: 1.0}))
    found = index.alike(numbers(*to), among=numbers(*among))
    assert {arm: list(one) for arm, one in found.items()} == {"dense": [], "sparse": []}


def test_passages_without_words_are_compared_by_vectors_alone(index: ChunkIndex) -> None:
    fill(
        index,
        chunk(1, embedding=NORTH, sparse={}),
        chunk(2, embedding=NORTH_EAST, sparse={7: 1.0}),
    )
    found = index.alike(numbers(1), among=numbers(1, 2))
    assert [one.id.int for one in found["dense"]] == [1, 2]
    assert list(found["sparse"]) == []


def test_only_the_live_generation_is_looked_at(index: ChunkIndex) -> None:
    fill(index, chunk(1, embedding=NORTH))
    index.create(OTHER)
    index.upsert(OTHER, [chunk(2, embedding=NORTH, embedder=OTHER.embedder)])
    index.commit(OTHER)
    found = index.alike(numbers(1), among=numbers(1, 2))
    assert [one.id.int for one in found["dense"]] == [1]
    assert list(index.alike(numbers(2), among=numbers(1, 2))["dense"]) == []
    assert index.live() == GENERATION


def test_where_nothing_is_live_nothing_is_alike(open_index: Open) -> None:
    found = open_index().alike(numbers(1), among=numbers(1))
    assert {arm: list(one) for arm, one in found.items()} == {"dense": [], "sparse": []}
