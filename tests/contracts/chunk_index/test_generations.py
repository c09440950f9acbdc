"""ChunkIndex: generations, and the one that is live."""

from collections.abc import Callable

import pytest

from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import SearchFilters
from tests.builders import make_embedded_query, numbered_id
from tests.contracts.chunk_index.index_making import GENERATION, OTHER, Open, chunk, fill, ids


def test_an_empty_index_has_no_generation_and_finds_nothing(open_index: Open) -> None:
    index = open_index()
    index.ping()
    assert index.live() is None
    assert list(index.generations()) == []
    assert list(index.search(make_embedded_query(), by="dense", limit=5)) == []
    assert list(index.search(make_embedded_query(), by="sparse", limit=5)) == []
    assert list(index.chunks([numbered_id(1)])) == []


def test_creating_a_generation_again_keeps_its_chunks(index: ChunkIndex) -> None:
    fill(index, chunk(1))
    index.create(GENERATION)
    assert index.count(GENERATION) == 1


def test_searches_read_the_live_generation_alone(index: ChunkIndex) -> None:
    fill(index, chunk(1))
    index.create(OTHER)
    index.upsert(OTHER, [chunk(2), chunk(3)])
    index.commit(OTHER)

    def found() -> list[int]:
        query = make_embedded_query()
        return ids(scored.chunk for scored in index.search(query, by="dense", limit=9))

    assert found() == [1]
    assert ids(index.chunks([numbered_id(1), numbered_id(2)])) == [1]
    index.switch(OTHER)
    assert found() == [2, 3]
    assert index.live() == OTHER
    index.switch(GENERATION)
    assert found() == [1]


def test_generations_say_what_they_are_how_large_and_which_is_live(index: ChunkIndex) -> None:
    fill(index, chunk(1))
    index.create(OTHER)

    first, second = index.generations()

    assert (first.generation, first.chunks, first.live) == (GENERATION, 1, True)
    assert (second.generation, second.chunks, second.live) == (OTHER, 0, False)
    assert all(each.size is None or each.size > 0 for each in (first, second))


def test_the_live_generation_cannot_be_dropped_and_others_can(index: ChunkIndex) -> None:
    index.create(OTHER)
    index.upsert(OTHER, [chunk(2)])
    with pytest.raises(InvalidInput, match="live"):
        index.drop(GENERATION)
    index.drop(OTHER)
    assert [status.generation for status in index.generations()] == [GENERATION]

    index.create(OTHER)
    assert index.count(OTHER) == 0


@pytest.mark.parametrize(
    "use",
    [
        lambda index: index.switch(OTHER),
        lambda index: index.drop(OTHER),
        lambda index: index.upsert(OTHER, [chunk(1)]),
        lambda index: index.delete(OTHER, [numbered_id(1)]),
        lambda index: index.commit(OTHER),
        lambda index: index.count(OTHER),
        lambda index: index.count(OTHER, SearchFilters(platforms=("x",))),
        lambda index: index.indexed(OTHER),
        lambda index: list(index.scroll(OTHER)),
    ],
    ids=["switch", "drop", "upsert", "delete", "commit", "count", "filtered", "indexed", "scroll"],
)
def test_an_unknown_generation_is_named(
    index: ChunkIndex, use: Callable[[ChunkIndex], object]
) -> None:
    with pytest.raises(InvalidInput, match=OTHER.name):
        use(index)
    assert index.live() == GENERATION
