"""ChunkIndex: the order and the scores of what is found."""

import math

import pytest

from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.domain.chunks import CHUNK_TYPES
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import Arm, Candidate, EmbeddedQuery, SearchFilters
from llm_engineering.domain.types import DataCategory
from tests.builders import make_embedded_query
from tests.contracts.chunk_index.index_making import Open, chunk, fill

NORTH, EAST, SOUTH = (1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (-1.0, 0.0, 0.0, 0.0)
NORTH_EAST = (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)


def test_dense_search_ranks_by_cosine(index: ChunkIndex) -> None:
    fill(
        index,
        chunk(1, embedding=SOUTH),
        chunk(2, embedding=NORTH),
        chunk(3, embedding=EAST),
        chunk(4, embedding=NORTH_EAST),
    )

    found = index.search(make_embedded_query(embedding=NORTH), by="dense", limit=3)

    assert [scored.chunk.id.int for scored in found] == [2, 4, 3]
    assert [scored.scores for scored in found] == [
        {"dense": pytest.approx(score, abs=1e-6)} for score in (1.0, math.sqrt(0.5), 0.0)
    ]
    assert type(found[0].chunk) is CHUNK_TYPES[DataCategory.ARTICLES]


def test_equal_scores_are_ordered_by_id(index: ChunkIndex) -> None:
    fill(index, *(chunk(number, embedding=NORTH) for number in (5, 3, 9, 1)))
    found = index.search(make_embedded_query(embedding=NORTH), by="dense", limit=10)
    assert [scored.chunk.id.int for scored in found] == [1, 3, 5, 9]


def inverse_document_frequency(chunks: int, holding: int) -> float:
    """Robertson and Sparck Jones with one added, as Qdrant documents its IDF modifier."""
    return math.log(1 + (chunks - holding + 0.5) / (holding + 0.5))


def test_sparse_search_weighs_rare_terms_higher(index: ChunkIndex) -> None:
    common, rare, absent = 7, 8, 9
    fill(
        index,
        chunk(1, sparse={common: 1.0}),
        chunk(2, sparse={common: 1.0, 20: 3.0}),
        chunk(3, sparse={rare: 0.5}),
        chunk(4, sparse={common: 0.25, 21: 1.0}),
        chunk(5, sparse={22: 1.0}),
    )
    query = make_embedded_query(sparse={common: 1.0, rare: 1.0, absent: 1.0})

    found = index.search(query, by="sparse", limit=10)

    weight_common = inverse_document_frequency(5, 3)
    weight_rare = inverse_document_frequency(5, 1)
    assert [scored.chunk.id.int for scored in found] == [3, 1, 2, 4]
    expected = (0.5 * weight_rare, weight_common, weight_common, 0.25 * weight_common)
    assert [scored.scores for scored in found] == [
        {"sparse": pytest.approx(score, abs=1e-5)} for score in expected
    ]


def test_the_document_frequency_is_that_of_the_whole_generation_under_filters(
    index: ChunkIndex,
) -> None:
    fill(
        index,
        chunk(1, sparse={7: 1.0}, platform="here"),
        *(chunk(number, sparse={7: 1.0}, platform="there") for number in range(2, 10)),
        chunk(10, sparse={8: 1.0}, platform="there"),
    )
    query = make_embedded_query(sparse={7: 1.0}, filters=SearchFilters(platforms=("here",)))
    (found,) = index.search(query, by="sparse", limit=10)
    assert found.score == pytest.approx(inverse_document_frequency(10, 9), abs=1e-5)


def test_sparse_search_without_a_common_term_finds_nothing(index: ChunkIndex) -> None:
    fill(index, chunk(1, sparse={7: 1.0}), chunk(2, sparse={}))
    for weights in ({8: 1.0}, {}):
        assert list(index.search(make_embedded_query(sparse=weights), by="sparse", limit=5)) == []


HERE = SearchFilters(platforms=("here",))
SEARCHES: list[tuple[Arm, EmbeddedQuery]] = [
    ("dense", make_embedded_query(embedding=NORTH)),
    ("sparse", make_embedded_query(sparse={7: 1.0, 8: 2.0})),
    ("sparse", make_embedded_query(sparse={})),
    ("dense", make_embedded_query(embedding=EAST, filters=HERE)),
    ("sparse", make_embedded_query(sparse={9: 1.0})),
]


def test_candidates_are_what_the_searches_find(index: ChunkIndex) -> None:
    fill(
        index,
        chunk(1, embedding=SOUTH, sparse={7: 1.0}, platform="here"),
        chunk(2, embedding=NORTH, sparse={7: 2.0, 8: 0.5}),
        chunk(3, embedding=EAST, platform="here"),
        chunk(4, embedding=EAST, sparse={8: 1.0}, platform="here"),
        chunk(5, embedding=NORTH_EAST),
    )

    found = index.candidates(SEARCHES, limit=3)

    expected = [index.search(query, by=by, limit=3) for by, query in SEARCHES]
    assert [list(one) for one in found] == [
        [Candidate(scored.chunk.id, scored.score) for scored in one] for one in expected
    ]
    assert [len(one) for one in found] == [3, 3, 0, 3, 0]
    assert [one.id.int for one in found[3]] == [3, 4, 1], "filtered, and equal scores by id"
    assert list(index.candidates([], limit=3)) == []


def test_an_index_with_nothing_live_has_no_candidates(open_index: Open) -> None:
    assert [list(one) for one in open_index().candidates(SEARCHES[:2], limit=3)] == [[], []]


def test_candidates_for_a_vector_of_another_length_are_refused(index: ChunkIndex) -> None:
    short = make_embedded_query(embedding=(1.0, 0.0))
    with pytest.raises(InvalidInput, match="2 dimensions"):
        index.candidates([SEARCHES[1], ("dense", short)], limit=3)
