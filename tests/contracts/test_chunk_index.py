"""ChunkIndex: what every index promises, over the stand-in and Qdrant in both forms."""

import math
import os
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest

from llm_engineering.application.ports.storage import ChunkIndex, IndexedDocument
from llm_engineering.domain.chunks import CHUNK_TYPES, Chunk
from llm_engineering.domain.embedded_chunks import EMBEDDED_TYPES, EmbeddedChunk
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.ids import document_id
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.types import DataCategory
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.qdrant.edge import EdgeChunkIndex
from llm_engineering.infrastructure.qdrant.server import ServerChunkIndex
from tests.builders import (
    make_embedded_chunk,
    make_embedded_query,
    make_generation,
    numbered_id,
)

Open = Callable[[], ChunkIndex]

GENERATION = make_generation()
OTHER = make_generation(embedder="embedder-2")
NORTH, EAST, SOUTH = (1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (-1.0, 0.0, 0.0, 0.0)
NORTH_EAST = (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)
SERVER_URL = "LLMP_QDRANT_URL"
_MEMORY = Path("/dev/shm")  # noqa: S108


def in_memory(_: Path) -> Iterator[Open]:
    index = InMemoryChunkIndex()
    yield lambda: index


def edge(folder: Path) -> Iterator[Open]:
    yield lambda: EdgeChunkIndex(folder)


def edge_with_graph(folder: Path) -> Iterator[Open]:
    yield lambda: EdgeChunkIndex(folder, exact_limit=1)


def client_in_local_mode(_: Path) -> Iterator[Open]:
    from qdrant_client import QdrantClient

    client = QdrantClient(":memory:")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Payload indexes have no effect in the local Qdrant")
        yield lambda: ServerChunkIndex(client)


def server(_: Path) -> Iterator[Open]:
    url = os.environ.get(SERVER_URL)
    if url is None:
        pytest.skip(f"{SERVER_URL} names no Qdrant server")
    index = ServerChunkIndex.connect(url)
    if index.generations():
        pytest.skip(f"the server of {SERVER_URL} is not empty")
    yield lambda: ServerChunkIndex.connect(url)
    client = index._client
    for collection in client.get_collections().collections:
        client.delete_collection(collection.name)


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: these tests commit often, and disks are slow."""
    if not os.access(_MEMORY, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=_MEMORY) as folder:
        yield Path(folder)


KINDS = [in_memory, edge, edge_with_graph, client_in_local_mode, server]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def open_index(request: pytest.FixtureRequest, memory_folder: Path) -> Iterator[Open]:
    """Opens further handles of one index."""
    handles: list[ChunkIndex] = []
    kind = request.param(memory_folder / "index")
    opener = next(kind)

    def open_handle() -> ChunkIndex:
        handles.append(opener())
        return handles[-1]

    yield open_handle
    next(kind, None)
    for handle in handles:
        handle.close()


@pytest.fixture
def index(open_index: Open) -> ChunkIndex:
    """An index with one empty generation, which is live."""
    index = open_index()
    index.create(GENERATION)
    index.switch(GENERATION)
    return index


def chunk(number: int, **fields: object) -> EmbeddedChunk:
    return make_embedded_chunk(f"text {number}", id=numbered_id(number), **fields)  # type: ignore[arg-type]


def fill(index: ChunkIndex, *chunks: EmbeddedChunk) -> None:
    index.upsert(GENERATION, chunks)
    index.commit(GENERATION)


def ids(chunks: object) -> list[int]:
    return sorted(found.id.int for found in chunks)  # type: ignore[attr-defined]


# --- writing and reading back


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


# --- what is indexed


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


# --- searching


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


# --- filters

MAY = datetime(2024, 5, 1, tzinfo=UTC)
FILTERED = [
    (SearchFilters(), [1, 2, 3, 4]),
    (SearchFilters(authors=("Ada Lovelace",)), [1, 2]),
    (SearchFilters(authors=("Ada Lovelace", "Søren Ågård")), [1, 2, 3]),
    (SearchFilters(authors=("ada lovelace",)), []),
    (SearchFilters(platforms=("medium",)), [2]),
    (SearchFilters(categories=(DataCategory.POSTS,)), [3]),
    (SearchFilters(categories=(DataCategory.POSTS, DataCategory.ARTICLES)), [1, 3]),
    (SearchFilters(document_ids=(document_id("https://example.org/2"),)), [2]),
    (SearchFilters(published_from=MAY), [2, 3]),
    (SearchFilters(published_to=MAY), [1, 2]),
    (SearchFilters(published_from=MAY, published_to=MAY), [2]),
    (SearchFilters(published_from=MAY + timedelta(microseconds=1)), [3]),
    (SearchFilters(published_to=MAY - timedelta(microseconds=1)), [1]),
    (SearchFilters(published_from=MAY.astimezone(timezone(timedelta(hours=9)))), [2, 3]),
    (SearchFilters(authors=("Ada Lovelace",), platforms=("medium", "github")), [2]),
    (SearchFilters(authors=("Søren Ågård",), platforms=("medium",)), []),
]


@pytest.fixture
def varied(index: ChunkIndex) -> ChunkIndex:
    """Four chunks that differ in every field that can be filtered by, and share a term."""
    index.upsert(
        GENERATION,
        [
            chunk(1, url="https://example.org/1", published=MAY - timedelta(days=1), sparse={7: 1}),
            chunk(
                2,
                url="https://example.org/2",
                platform="medium",
                published=MAY,
                category=DataCategory.REPOSITORIES,
                sparse={7: 1},
            ),
            chunk(
                3,
                url="https://example.org/3",
                author_full_name="Søren Ågård",
                platform="linkedin",
                published=MAY.replace(month=6).astimezone(timezone(timedelta(hours=-7))),
                category=DataCategory.POSTS,
                sparse={7: 1},
            ),
            chunk(
                4,
                url="https://example.org/4",
                author_full_name=None,
                published=None,
                category=DataCategory.REPOSITORIES,
                sparse={7: 1},
            ),
        ],
    )
    index.commit(GENERATION)
    return index


@pytest.mark.parametrize(("filters", "expected"), FILTERED)
def test_filters_hold_in_count_scroll_and_both_searches(
    varied: ChunkIndex, filters: SearchFilters, expected: list[int]
) -> None:
    query = make_embedded_query(sparse={7: 1.0}, filters=filters)
    dense = varied.search(query, by="dense", limit=10)
    sparse = varied.search(query, by="sparse", limit=10)

    assert ids(varied.scroll(GENERATION, filters)) == expected
    assert varied.count(GENERATION, filters) == len(expected)
    assert ids(scored.chunk for scored in dense) == expected
    assert ids(scored.chunk for scored in sparse) == expected


# --- generations


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


# --- handles


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
