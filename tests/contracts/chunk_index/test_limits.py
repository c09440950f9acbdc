"""ChunkIndex: limits, repetitions, and texts and numbers at the edge of what is allowed."""

from datetime import UTC, datetime, timedelta

import pytest

from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.domain.queries import SearchFilters
from tests.builders import make_embedded_chunk, make_embedded_query, numbered_id
from tests.contracts.chunk_index.index_making import GENERATION, OTHER, Open, chunk, fill, ids

NORTH = (1.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("limit", [1, 3, 4, 1000])
def test_no_more_than_the_limit_is_found(index: ChunkIndex, limit: int) -> None:
    fill(index, *(chunk(number, sparse={7: number / 10}) for number in range(1, 5)))
    query = make_embedded_query(sparse={7: 1.0})
    for arm in ("dense", "sparse"):
        found = index.search(query, by=arm, limit=limit)
        assert len(found) == min(limit, 4)
        (candidates,) = index.candidates([(arm, query)], limit=limit)
        assert [one.id for one in candidates] == [one.chunk.id for one in found]
    assert [one.chunk.id.int for one in found] == [4, 3, 2, 1][:limit]


@pytest.mark.parametrize(
    "text",
    ["水", "e\u0301 and \u00e9", "🌊" * 300, "a\u0000b", "\u202eright to left", "x" * 50_000],
    ids=["one letter", "two forms", "emoji", "null", "direction", "long"],
)
def test_any_text_comes_back_as_it_was_written(index: ChunkIndex, text: str) -> None:
    written = make_embedded_chunk(text, title=text[:50], id=numbered_id(1))
    fill(index, written)
    (found,) = index.chunks([written.id])
    assert (found.text, found.title) == (text, text[:50])
    (scrolled,) = index.scroll(GENERATION)
    assert scrolled.text == text


def test_the_last_of_two_chunks_with_one_id_in_a_batch_counts(index: ChunkIndex) -> None:
    first = make_embedded_chunk("first", id=numbered_id(1))
    last = make_embedded_chunk("last", id=numbered_id(1))
    fill(index, first, last)
    assert index.count(GENERATION) == 1
    assert [one.text for one in index.chunks([numbered_id(1)])] == ["last"]


def test_a_chunk_that_is_asked_for_twice_is_given_twice(index: ChunkIndex) -> None:
    fill(index, chunk(1), chunk(2))
    asked = [numbered_id(number) for number in (2, 1, 2, 9)]
    assert [one.id.int for one in index.chunks(asked)] == [2, 1, 2]
    assert index.chunks([]) == []


def test_deleting_twice_and_writing_again_brings_the_chunk_back(index: ChunkIndex) -> None:
    fill(index, chunk(1), chunk(2))
    for _ in range(2):
        index.delete(GENERATION, [numbered_id(1), numbered_id(1), numbered_id(99)])
        index.commit(GENERATION)
        assert ids(index.scroll(GENERATION)) == [2]
    fill(index, chunk(1))
    assert ids(index.scroll(GENERATION)) == [1, 2]
    assert index.count(GENERATION) == 2


def test_committing_without_a_change_changes_nothing(index: ChunkIndex) -> None:
    fill(index, chunk(1))
    index.commit(GENERATION)
    index.commit(GENERATION)
    assert ids(index.scroll(GENERATION)) == [1]


@pytest.mark.parametrize(
    ("microseconds", "inside"), [(-1, False), (0, True), (1, True), (1_000_000, True)]
)
def test_the_start_of_a_period_is_exact(index: ChunkIndex, microseconds: int, inside: bool) -> None:
    start = datetime(2024, 2, 29, 12, 0, 0, 500_000, tzinfo=UTC)
    fill(index, chunk(1, published=start + timedelta(microseconds=microseconds)))
    filters = SearchFilters(published_from=start, published_to=start + timedelta(seconds=1))
    assert index.count(GENERATION, filters) == int(inside)


def test_a_filter_with_many_values_finds_each(index: ChunkIndex) -> None:
    fill(index, *(chunk(n, url=f"https://example.org/{n}") for n in range(1, 4)))
    documents = [one.document_id for one in index.chunks([numbered_id(1), numbered_id(3)])]
    others = [numbered_id(number) for number in range(1000, 1500)]
    filters = SearchFilters(document_ids=(*others, *documents))
    assert ids(index.scroll(GENERATION, filters)) == [1, 3]


def test_generations_of_two_sizes_lie_side_by_side(open_index: Open) -> None:
    index = open_index()
    wide = OTHER.model_copy(update={"dimension": 6})
    for generation, dimension in ((GENERATION, 4), (wide, 6)):
        index.create(generation)
        index.upsert(generation, [make_embedded_chunk("one", dimension=dimension)])
        index.commit(generation)
    for generation, dimension in ((GENERATION, 4), (wide, 6), (GENERATION, 4)):
        index.switch(generation)
        query = make_embedded_query("one", dimension=dimension)
        assert len(index.search(query, by="dense", limit=5)) == 1
        assert [len(one.embedding) for one in index.scroll(generation)] == [dimension]


def test_an_index_without_a_live_generation_answers_the_ping(open_index: Open) -> None:
    index = open_index()
    index.ping()
    index.create(GENERATION)
    index.ping()
    assert index.live() is None
