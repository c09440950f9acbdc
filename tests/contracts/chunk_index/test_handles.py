"""ChunkIndex: what several handles of one index see of each other."""

from uuid import UUID

from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.ids import document_id
from tests.builders import make_embedded_query, numbered_id
from tests.contracts.chunk_index.index_making import GENERATION, OTHER, Open, chunk, fill, ids


def test_a_handle_reads_its_own_writes_before_the_commit(index: ChunkIndex) -> None:
    fill(index, chunk(1))
    index.upsert(GENERATION, [chunk(2, url="https://example.org/new")])
    index.delete(GENERATION, [numbered_id(1)])

    assert ids(index.scroll(GENERATION)) == [2]
    assert index.count(GENERATION) == 1
    assert list(index.indexed(GENERATION)) == [document_id("https://example.org/new")]
    assert ids(index.chunks([numbered_id(1), numbered_id(2)])) == [2]
    assert index.generations()[0].chunks == 1


def test_other_handles_see_what_was_committed(index: ChunkIndex, open_index: Open) -> None:
    other = open_index()
    query = make_embedded_query(sparse={7: 1.0})

    def seen_by_the_other() -> list[int]:
        found = other.search(query, by="sparse", limit=9)
        assert other.count(GENERATION) == len(found) == len(other.chunks(all_ids))
        return ids(scored.chunk for scored in found)

    all_ids: list[UUID] = [numbered_id(number) for number in range(1, 6)]
    assert seen_by_the_other() == []
    for number in range(1, 6):
        fill(index, chunk(number, sparse={7: 1.0}))
        assert seen_by_the_other() == list(range(1, number + 1))
    index.delete(GENERATION, all_ids[1:])
    index.commit(GENERATION)
    assert seen_by_the_other() == [1]


def test_a_switch_is_seen_by_other_handles(index: ChunkIndex, open_index: Open) -> None:
    other = open_index()
    assert other.live() == GENERATION
    index.create(OTHER)
    index.upsert(OTHER, [chunk(2)])
    index.commit(OTHER)
    index.switch(OTHER)
    assert other.live() == OTHER
    assert ids(scored.chunk for scored in other.search(make_embedded_query(), by="dense", limit=9))


def test_a_generation_may_be_written_while_it_is_scrolled(index: ChunkIndex) -> None:
    numbers = range(1, 601)
    fill(index, *(chunk(number) for number in numbers))
    seen: list[Chunk] = []
    for found in index.scroll(GENERATION):
        seen.append(found)
        if len(seen) % 100 == 0:
            fill(index, chunk(found.id.int, title="seen"))
    assert ids(seen) == list(numbers)
    assert index.count(GENERATION) == 600
