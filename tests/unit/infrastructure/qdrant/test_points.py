"""Chunks as Qdrant points."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from llm_engineering.application.ports.storage import IndexedDocument
from llm_engineering.domain.chunks import CHUNK_TYPES
from llm_engineering.domain.embedded_chunks import EMBEDDED_TYPES
from llm_engineering.domain.errors import InvalidInput, StoreUnavailable
from llm_engineering.domain.ids import document_id
from llm_engineering.domain.queries import Candidate, ScoredChunk, SearchFilters
from llm_engineering.domain.types import DataCategory
from llm_engineering.infrastructure.qdrant.points import (
    DOCUMENT_FIELDS,
    PAYLOAD_INDEXES,
    Restriction,
    best_candidates_first,
    best_first,
    check_dimension,
    chunk_of,
    documents_of,
    embedded_chunk_of,
    payload_of,
    restrictions,
)
from tests.builders import make_chunk, make_embedded_chunk, make_generation, numbered_id


def test_the_payload_holds_json_values_and_neither_id_nor_vectors() -> None:
    chunk = make_embedded_chunk(published=datetime(2024, 5, 1, 7, 30, tzinfo=UTC))
    payload = payload_of(chunk)
    assert {"id", "embedding", "sparse"}.isdisjoint(payload)
    assert payload["document_id"] == str(chunk.document_id)
    assert payload["published"] == "2024-05-01T07:30:00Z"
    assert payload["heading_path"] == ["Library", "Dataclasses"]
    assert payload["category"] == "articles"


def test_fields_without_a_value_are_left_out_of_the_payload() -> None:
    payload = payload_of(make_embedded_chunk(author_full_name=None, published=None))
    assert {"author_full_name", "author_keys", "author_id", "published"}.isdisjoint(payload)


def test_every_index_and_every_field_that_is_counted_is_a_field_of_the_payload() -> None:
    assert set(payload_of(make_embedded_chunk())) >= {*PAYLOAD_INDEXES, *DOCUMENT_FIELDS}


@pytest.mark.parametrize("category", list(DataCategory))
def test_a_payload_becomes_the_chunk_again(category: DataCategory) -> None:
    embedded = make_embedded_chunk(category=category)
    payload = payload_of(embedded)

    chunk = chunk_of(str(embedded.id), payload)
    again = embedded_chunk_of(embedded.id, payload, list(embedded.embedding), embedded.sparse)

    assert chunk == make_chunk(category=category)
    assert type(chunk) is CHUNK_TYPES[category]
    assert again == embedded
    assert type(again) is EMBEDDED_TYPES[category]


@pytest.mark.parametrize("payload", [{}, {"category": "songs"}, {"category": "posts"}])
def test_a_point_of_somebody_else_is_named_and_not_passed_over(payload: dict[str, str]) -> None:
    with pytest.raises(StoreUnavailable, match=str(numbered_id(7))):
        chunk_of(numbered_id(7), payload)


def test_no_filters_restrict_nothing() -> None:
    assert restrictions(SearchFilters()) == []


def test_each_filter_becomes_a_restriction() -> None:
    start, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
    filters = SearchFilters(
        authors=("Ada", "Bob"),
        platforms=("medium",),
        categories=(DataCategory.POSTS,),
        document_ids=(numbered_id(3),),
        published_from=start,
        published_to=end,
    )
    assert restrictions(filters) == [
        Restriction("author_keys", ("ada", "bob")),
        Restriction("platform", ("medium",)),
        Restriction("category", ("posts",)),
        Restriction("document_id", (str(numbered_id(3)),)),
        Restriction("published", start=start, end=end),
    ]


def test_a_period_may_be_open_at_one_end() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    assert restrictions(SearchFilters(published_from=start)) == [
        Restriction("published", start=start)
    ]
    assert restrictions(SearchFilters(published_to=start)) == [Restriction("published", end=start)]


def test_documents_are_counted_by_revision_and_total() -> None:
    first, second = document_id("https://example.org/1"), document_id("https://example.org/2")

    def fields(document: UUID, revision: str, total: int) -> dict[str, object]:
        return {"document_id": str(document), "revision": revision, "total": total}

    payloads = [fields(first, "b", 3), fields(second, "c", 1), fields(first, "a", 2)]

    assert documents_of([*payloads, fields(first, "b", 3)]) == {
        first: [IndexedDocument("a", 1, 2), IndexedDocument("b", 2, 3)],
        second: [IndexedDocument("c", 1, 1)],
    }
    assert documents_of([]) == {}


def test_the_best_come_first_and_equal_ones_by_id() -> None:
    def scored(number: int, score: float) -> ScoredChunk:
        return ScoredChunk(chunk=make_chunk(id=numbered_id(number)), scores={"dense": score})

    ranked = best_first([scored(9, 0.5), scored(2, 0.5), scored(5, 0.9), scored(1, -1.0)])
    assert [one.chunk.id.int for one in ranked] == [5, 2, 9, 1]
    candidates = [Candidate(numbered_id(n), score) for n, score in ((9, 0.5), (2, 0.5), (5, 0.9))]
    assert [one.id.int for one in best_candidates_first(candidates)] == [5, 2, 9]


def test_a_vector_of_another_length_is_named_with_the_generation() -> None:
    generation = make_generation(dimension=4)
    check_dimension(generation, (0.0,) * 4)
    with pytest.raises(InvalidInput, match=rf"3 dimensions.*{generation.name}.*have 4"):
        check_dimension(generation, (0.0,) * 3)
