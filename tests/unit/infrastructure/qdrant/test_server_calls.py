"""What the server is asked for: pages, batches and one request where one is enough."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from qdrant_client import QdrantClient, models

from llm_engineering.domain.errors import ConfigurationError, InvalidInput, StoreUnavailable
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.releases import Generation
from llm_engineering.infrastructure.qdrant.points import PAYLOAD_INDEXES, payload_of
from llm_engineering.infrastructure.qdrant.server import ServerChunkIndex
from tests.builders import (
    make_embedded_chunk,
    make_embedded_query,
    make_generation,
    numbered_id,
)

GENERATION = make_generation()
OTHER = make_generation(embedder="embedder-2")


class ScriptedClient:
    """A Qdrant of collections that are told; `calls` keeps the requests in their order."""

    def __init__(self, *generations: Generation, live: Generation | None = None) -> None:
        self.metadata: dict[str, Any] = {g.name: g.model_dump() for g in generations}
        self.live = live
        self.keeps_metadata = True
        self.pages: list[tuple[list[Any], object]] = [([], None)]
        self.found: list[list[tuple[int, float]]] = []
        self.calls: list[tuple[str, Any]] = []

    def named(self, name: str) -> list[Any]:
        return [told for call, told in self.calls if call == name]

    def collection_exists(self, name: str) -> bool:
        return name in self.metadata

    def get_collections(self) -> Any:
        return SimpleNamespace(collections=[SimpleNamespace(name=name) for name in self.metadata])

    def get_collection(self, name: str) -> Any:
        kept = self.metadata[name] if self.keeps_metadata else None
        metadata = {"generation": kept} if kept else None
        return SimpleNamespace(config=SimpleNamespace(metadata=metadata))

    def get_aliases(self) -> Any:
        aliases = [SimpleNamespace(alias_name="another", collection_name="x")]
        if self.live:
            name = self.live.name
            aliases.append(SimpleNamespace(alias_name="live", collection_name=name))
        return SimpleNamespace(aliases=aliases)

    def create_collection(self, name: str, **options: Any) -> None:
        self.calls.append(("create_collection", (name, options)))
        self.metadata[name] = options["metadata"]["generation"]

    def create_payload_index(self, name: str, field: str, **_: Any) -> None:
        self.calls.append(("create_payload_index", field))

    def delete_collection(self, name: str) -> None:
        self.calls.append(("delete_collection", name))
        del self.metadata[name]

    def update_collection_aliases(self, operations: Sequence[Any]) -> None:
        self.calls.append(("update_collection_aliases", operations))

    def upsert(self, name: str, points: Sequence[Any], *, wait: bool) -> None:
        assert wait, "a write is durable when it returns"
        self.calls.append(("upsert", len(points)))

    def delete(self, name: str, ids: Sequence[str], *, wait: bool) -> None:
        assert wait
        self.calls.append(("delete", list(ids)))

    def count(self, name: str, conditions: Any, *, exact: bool) -> Any:
        assert exact
        self.calls.append(("count", conditions))
        return SimpleNamespace(count=7)

    def scroll(self, name: str, **options: Any) -> tuple[list[Any], object]:
        self.calls.append(("scroll", options))
        return self.pages.pop(0)

    def query_batch_points(self, name: str, requests: Sequence[Any]) -> list[Any]:
        self.calls.append(("query_batch_points", requests))
        return [
            SimpleNamespace(
                points=[SimpleNamespace(id=str(numbered_id(n)), score=s) for n, s in found]
            )
            for found in self.found
        ]

    def retrieve(self, name: str, ids: Sequence[str], **options: Any) -> list[Any]:
        self.calls.append(("retrieve", list(ids)))
        return []


def index(client: ScriptedClient) -> ServerChunkIndex:
    return ServerChunkIndex(cast("QdrantClient", client), "qdrant.example:6333")


@pytest.mark.parametrize(
    ("chunks", "batches"),
    [(0, []), (1, [1]), (256, [256]), (257, [256, 1]), (600, [256, 256, 88])],
)
def test_chunks_are_written_in_batches_that_a_server_takes(chunks: int, batches: list[int]) -> None:
    client = ScriptedClient(GENERATION)
    one = make_embedded_chunk()
    index(client).upsert(GENERATION, [one] * chunks)
    assert client.named("upsert") == batches


def test_a_chunk_that_does_not_fit_is_refused_before_any_is_written() -> None:
    client = ScriptedClient(GENERATION)
    chunks = [make_embedded_chunk()] * 300 + [make_embedded_chunk(embedding=(0.6, 0.8))]
    with pytest.raises(InvalidInput, match="2 dimensions"):
        index(client).upsert(GENERATION, chunks)
    assert client.calls == []


def record(number: int) -> models.Record:
    chunk = make_embedded_chunk(f"text {number}", id=numbered_id(number))
    sparse = models.SparseVector(indices=[1], values=[0.5])
    vector: Any = {"dense": list(chunk.embedding), "sparse": sparse}
    return models.Record(id=str(chunk.id), payload=payload_of(chunk), vector=vector)


def test_chunks_are_read_page_by_page_as_they_are_asked_for() -> None:
    client = ScriptedClient(GENERATION)
    client.pages = [([record(1), record(2)], "next"), ([record(3)], None)]
    chunks = index(client).scroll(GENERATION)
    assert client.named("scroll") == []
    assert next(chunks).id == numbered_id(1)
    assert len(client.named("scroll")) == 1
    assert [chunk.id.int for chunk in chunks] == [2, 3]
    assert [told["offset"] for told in client.named("scroll")] == [None, "next"]
    assert all(told["with_vectors"] for told in client.named("scroll"))


def test_an_empty_page_in_the_middle_is_not_the_end() -> None:
    client = ScriptedClient(GENERATION)
    client.pages = [([record(1)], "a"), ([], "b"), ([record(2)], None)]
    assert [chunk.id.int for chunk in index(client).scroll(GENERATION)] == [1, 2]


def test_documents_are_counted_without_vectors_or_texts() -> None:
    client = ScriptedClient(GENERATION)
    client.pages = [([record(1)], "a"), ([record(2)], None)]
    held = index(client).indexed(GENERATION)
    assert sum(one.chunks for found in held.values() for one in found) == 2
    for told in client.named("scroll"):
        assert told["with_payload"] == ["document_id", "revision", "total"]
        assert told["with_vectors"] is False


def test_a_point_of_somebody_else_ends_the_count_of_documents() -> None:
    client = ScriptedClient(GENERATION)
    client.pages = [([models.Record(id=1, payload={"theirs": 1})], None)]
    with pytest.raises(StoreUnavailable, match="is no chunk"):
        index(client).indexed(GENERATION)


def test_all_searches_are_one_request_and_those_without_terms_none() -> None:
    client = ScriptedClient(GENERATION, live=GENERATION)
    client.found = [[(2, 0.5), (1, 0.5)], [(3, 0.9)]]
    full, bare = make_embedded_query(), make_embedded_query(sparse={})
    found = index(client).candidates([("sparse", bare), ("dense", bare), ("sparse", full)], limit=9)
    (requests,) = client.named("query_batch_points")
    assert [request.using for request in requests] == ["dense", "sparse"]
    assert {request.limit for request in requests} == {9}
    assert [[one.id.int for one in each] for each in found] == [[], [1, 2], [3]]


def test_nothing_to_search_for_asks_the_server_nothing() -> None:
    client = ScriptedClient(GENERATION, live=GENERATION)
    assert list(index(client).candidates([], limit=3)) == []
    bare = make_embedded_query(sparse={})
    assert list(index(client).candidates([("sparse", bare)], limit=3)) == [[]]
    assert index(client).search(bare, by="sparse", limit=3) == []
    assert index(client).chunks([]) == []
    assert client.calls == []


def test_where_nothing_is_live_nothing_is_asked_for() -> None:
    client = ScriptedClient(GENERATION)
    query = make_embedded_query()
    assert index(client).live() is None
    assert index(client).search(query, by="dense", limit=3) == []
    assert list(index(client).candidates([("dense", query)], limit=3)) == [[]]
    assert index(client).chunks([numbered_id(1)]) == []
    assert client.calls == []


def test_collections_of_others_are_passed_over() -> None:
    client = ScriptedClient(OTHER, GENERATION, live=OTHER)
    client.metadata["somebody-else"] = None
    client.metadata["odd"] = {"embedder": 7}
    found = index(client).generations()
    assert [status.generation for status in found] == sorted(
        [GENERATION, OTHER], key=lambda one: one.name
    )
    assert [status.generation for status in found if status.live] == [OTHER]


def test_a_new_generation_has_every_index_and_says_what_it_is() -> None:
    client = ScriptedClient()
    index(client).create(GENERATION)
    ((name, options),) = client.named("create_collection")
    assert name == GENERATION.name
    assert options["metadata"] == {"generation": GENERATION.model_dump()}
    assert client.named("create_payload_index") == list(PAYLOAD_INDEXES)


def test_a_generation_whose_making_was_cut_off_is_completed() -> None:
    client = ScriptedClient(GENERATION)
    index(client).create(GENERATION)
    assert client.named("create_collection") == []
    assert client.named("create_payload_index") == list(PAYLOAD_INDEXES)


def test_a_server_that_is_too_old_says_so_and_keeps_nothing() -> None:
    client = ScriptedClient()
    client.keeps_metadata = False
    with pytest.raises(ConfigurationError, match=r"qdrant\.example.*1\.16 or newer"):
        index(client).create(GENERATION)
    assert client.named("delete_collection") == [GENERATION.name]


def test_the_live_generation_is_never_deleted() -> None:
    client = ScriptedClient(GENERATION, OTHER, live=GENERATION)
    with pytest.raises(InvalidInput, match=f"{GENERATION.name} is live: switch first"):
        index(client).drop(GENERATION)
    index(client).drop(OTHER)
    assert client.named("delete_collection") == [OTHER.name]


@pytest.mark.parametrize(("live", "operations"), [(None, 1), (OTHER, 2)])
def test_switching_is_one_request(live: Generation | None, operations: int) -> None:
    client = ScriptedClient(GENERATION, OTHER, live=live)
    index(client).switch(GENERATION)
    (told,) = client.named("update_collection_aliases")
    assert len(told) == operations


@pytest.mark.parametrize("use", ["switch", "drop", "commit", "upsert", "delete"])
def test_an_unknown_generation_is_named_with_those_that_are_there(use: str) -> None:
    client = ScriptedClient(OTHER)
    arguments = {"upsert": ([make_embedded_chunk()],), "delete": ([numbered_id(1)],)}
    with pytest.raises(InvalidInput, match=f"{GENERATION.name}.*there are: {OTHER.name}"):
        getattr(index(client), use)(GENERATION, *arguments.get(use, ()))
    assert client.calls == []


def test_filters_reach_the_count() -> None:
    client = ScriptedClient(GENERATION)
    made = index(client)
    assert made.count(GENERATION) == 7
    assert made.count(GENERATION, SearchFilters(platforms=("medium",))) == 7
    without, with_filters = client.named("count")
    assert without is None
    assert [condition.key for condition in with_filters.must] == ["platform"]
