import random
from collections.abc import Sequence
from uuid import UUID

import pytest

from llm_engineering.application.rag.fusion import Fused
from llm_engineering.application.rag.passages import read_passages
from llm_engineering.domain.chunks import Chunk
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from tests.builders import make_embedded_chunk, make_generation, numbered_id

GENERATION = make_generation()


class CountingIndex(InMemoryChunkIndex):
    """Notes how many chunks each request asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    def chunks(self, chunk_ids: Sequence[UUID]) -> Sequence[Chunk]:
        self.asked.append(len(chunk_ids))
        return super().chunks(chunk_ids)


def index_of(*texts_and_pages: tuple[str, int]) -> tuple[CountingIndex, list[Fused]]:
    """Returns an index with these passages, and all of them as candidates in this order."""
    index = CountingIndex()
    index.create(GENERATION)
    index.switch(GENERATION)
    fused = []
    for n, (text, page) in enumerate(texts_and_pages):
        url = f"https://example.org/{page}"
        chunk = make_embedded_chunk(text, id=numbered_id(n + 1), url=url, position=n)
        index.upsert(GENERATION, [chunk])
        fused.append(Fused(chunk.id, {"dense": 1.0, "fusion": 1.0 - n / 1000}))
    return index, fused


def numbers(passages: Sequence[object]) -> list[int]:
    return [found.chunk.id.int for found in passages]  # type: ignore[attr-defined]


def test_only_as_many_are_read_as_are_needed() -> None:
    index, fused = index_of(*((f"text {n}", n) for n in range(50)))
    passages = read_passages(index, fused, cap=3, needed=4)
    assert numbers(passages.capped) == [1, 2, 3, 4]
    assert passages.capped[1].scores == fused[1].scores
    assert index.asked == [8]
    assert not passages.lost


def test_all_are_read_when_no_number_is_given() -> None:
    index, fused = index_of(*((f"text {n}", n) for n in range(50)))
    assert len(read_passages(index, fused, cap=3).capped) == 50
    assert index.asked == [50]


def test_reading_goes_on_while_copies_and_one_document_take_the_places() -> None:
    copies = [("the same", n) for n in range(6)]
    of_one_page = [(f"text {n}", 99) for n in range(8)]
    index, fused = index_of(*copies, *of_one_page, ("late", 7), ("later", 8), ("last", 9))
    passages = read_passages(index, fused, cap=1, needed=3)
    assert numbers(passages.capped) == [1, 7, 15]
    assert index.asked == [7, 7, 3]


def test_what_is_beyond_the_cap_fills_up_when_nothing_else_is_left() -> None:
    index, fused = index_of(*((f"text {n}", 0) for n in range(5)))
    assert numbers(read_passages(index, fused, cap=2, needed=4).capped) == [1, 2, 3, 4]


def test_a_candidate_that_is_gone_is_told() -> None:
    index, fused = index_of(("a", 0), ("b", 1), ("c", 2))
    index.delete(GENERATION, [fused[1].id])
    passages = read_passages(index, fused, cap=3, needed=2)
    assert (numbers(passages.capped), passages.lost) == ([1, 3], True)


def test_nothing_found_is_nothing_read() -> None:
    passages = read_passages(CountingIndex(), [], cap=3, needed=4)
    assert (list(passages.fused), list(passages.capped), passages.lost) == ([], [], False)


@pytest.mark.parametrize("seed", range(20))
def test_the_first_ones_are_those_of_the_whole_ranking(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - test data
    index, fused = index_of(*((f"t {draw.randint(0, 25)}", draw.randint(0, 9)) for _ in range(60)))
    for cap in (0, 1, 2, 3):
        whole = numbers(read_passages(index, fused, cap).capped)
        for needed in (1, 2, 5, 20, 100):
            first = numbers(read_passages(index, fused, cap, needed).capped)
            assert first == whole[:needed], f"seed {seed}, cap {cap}, needed {needed}"
