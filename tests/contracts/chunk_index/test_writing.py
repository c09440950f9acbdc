"""ChunkIndex: what is written comes back, and what an index holds is known."""

import pytest

from llm_engineering.application.ports.storage import ChunkIndex, IndexedDocument
from llm_engineering.domain.chunks import CHUNK_TYPES
from llm_engineering.domain.embedded_chunks import EMBEDDED_TYPES
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.ids import document_id
from llm_engineering.domain.types import DataCategory
from tests.builders import make_embedded_chunk, make_embedded_query, numbered_id
from tests.contracts.chunk_index.index_making import GENERATION, chunk, fill, ids

NORTH, EAST = (1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0)


@pytest.mark.parametrize("category", list(DataCategory))
def test_a_chunk_comes_back_as_it_was_written(index: ChunkIndex, category: DataCategory) -> None:
    written = chunk(1, category=category, title="Größe \u2028 “x”", language=None)
    fill(index, written)

    (found,) = index.scroll(GENERATION)

    assert type(found) is EMBEDDED_TYPES[category]
    assert found.embedding == pytest.approx(written.embedding, abs=1e-6)
    assert dict(zip(found.sparse.indices, found.sparse.values, strict=True)) == pytest.approx(
        dict(zip(written.sparse.indices, written.sparse.values, strict=True)), abs=1e-6
    )
    vectors = {"embedding": found.embedding, "sparse": found.sparse}
    assert written.model_copy(update=vectors) == found


def test_a_chunk_without_the_optional_fields_comes_back_without_them(index: ChunkIndex) -> None:
    bare = chunk(1, author_full_name=None, published=None, language=None, heading_path=())
    fill(index, bare)

    (found,) = index.chunks([bare.id])

    assert (found.author_id, found.author_full_name, found.published) == (None, None, None)
    assert found.heading_path == ()


def test_chunks_are_returned_without_vectors_in_the_order_asked_for(index: ChunkIndex) -> None:
    fill(index, *(chunk(number) for number in range(1, 6)))

    found = index.chunks([numbered_id(number) for number in (4, 99, 2, 5)])

    assert [one.id.int for one in found] == [4, 2, 5]
    assert all(type(one) is CHUNK_TYPES[DataCategory.ARTICLES] for one in found)
    assert index.chunks([]) == []


def test_writing_a_chunk_again_replaces_it(index: ChunkIndex) -> None:
    fill(index, chunk(1, title="Old", embedding=NORTH), chunk(2))
    fill(index, chunk(1, title="New", embedding=EAST))
    fill(index, chunk(1, title="New", embedding=EAST))

    assert index.count(GENERATION) == 2
    (found,) = index.chunks([numbered_id(1)])
    assert found.title == "New"
    (best, _) = index.search(make_embedded_query(embedding=EAST), by="dense", limit=2)
    assert best.chunk.id.int == 1
    assert best.score == pytest.approx(1.0, abs=1e-6)


def test_deleted_chunks_are_gone_and_unknown_ids_are_passed_over(index: ChunkIndex) -> None:
    fill(index, *(chunk(number) for number in range(1, 6)))

    index.delete(GENERATION, [numbered_id(2), numbered_id(77), numbered_id(4)])
    index.delete(GENERATION, [])
    index.commit(GENERATION)

    assert ids(index.scroll(GENERATION)) == [1, 3, 5]
    assert index.count(GENERATION) == 3
    found = index.search(make_embedded_query(), by="dense", limit=10)
    assert ids(scored.chunk for scored in found) == [1, 3, 5]


def test_writing_nothing_changes_nothing(index: ChunkIndex) -> None:
    index.upsert(GENERATION, [])
    index.commit(GENERATION)
    index.commit(GENERATION)
    assert index.count(GENERATION) == 0
    assert list(index.scroll(GENERATION)) == []
    assert index.indexed(GENERATION) == {}


def test_many_chunks_are_scrolled_once_each(index: ChunkIndex) -> None:
    numbers = range(1, 1301)
    fill(index, *(chunk(number) for number in numbers))
    assert ids(index.scroll(GENERATION)) == list(numbers)
    assert index.count(GENERATION) == 1300


def test_a_vector_of_another_length_is_refused_and_nothing_is_written(index: ChunkIndex) -> None:
    with pytest.raises(InvalidInput, match="3 dimensions"):
        index.upsert(GENERATION, [chunk(1), chunk(2, embedding=(1.0, 0.0, 0.0))])
    assert index.count(GENERATION) == 0
    with pytest.raises(InvalidInput, match="3 dimensions"):
        index.search(make_embedded_query(embedding=(1.0, 0.0, 0.0)), by="dense", limit=1)


def test_indexed_tells_whole_documents_from_those_that_were_cut_off(index: ChunkIndex) -> None:
    whole, partial = "https://example.org/whole", "https://example.org/partial"
    fill(
        index,
        *(make_embedded_chunk(url=whole, position=p, total=3, revision="r1") for p in range(3)),
        *(make_embedded_chunk(url=partial, position=p, total=9, revision="r1") for p in range(2)),
        make_embedded_chunk(url=partial, position=0, total=1, revision="r2"),
    )

    held = index.indexed(GENERATION)

    assert set(held) == {document_id(whole), document_id(partial)}
    assert list(held[document_id(whole)]) == [IndexedDocument("r1", 3, 3)]
    assert sorted(held[document_id(partial)], key=lambda one: one.revision) == [
        IndexedDocument("r1", 2, 9),
        IndexedDocument("r2", 1, 1),
    ]
