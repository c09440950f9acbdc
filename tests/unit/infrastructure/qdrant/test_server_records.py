"""What is said to a Qdrant server, and what is read from its answers."""

from datetime import UTC, datetime

import pytest
from qdrant_client import models

from llm_engineering.domain.embedded_chunks import SparseVector
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.ids import document_id
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.types import DataCategory
from llm_engineering.infrastructure.qdrant.points import PAYLOAD_INDEXES
from llm_engineering.infrastructure.qdrant.server_records import (
    embedded_chunk_from,
    filter_of,
    payload_schema,
    point_of,
    sparse_vector_params,
    vector_params,
)
from tests.builders import make_embedded_chunk

MAY = datetime(2024, 5, 1, tzinfo=UTC)


def record_of(point: models.PointStruct, **fields: object) -> models.Record:
    own = {"id": point.id, "payload": point.payload, "vector": point.vector}
    return models.Record.model_validate(own | fields)


@pytest.mark.parametrize("category", list(DataCategory))
def test_a_chunk_comes_back_from_its_point(category: DataCategory) -> None:
    chunk = make_embedded_chunk("Größe “x”", category=category, sparse={7: 0.5, 2**31: 0.25})
    again = embedded_chunk_from(record_of(point_of(chunk)))
    assert again == chunk
    assert type(again) is type(chunk)


def test_ids_and_vectors_are_not_repeated_in_the_payload() -> None:
    point = point_of(make_embedded_chunk())
    assert point.payload is not None
    assert not {"id", "embedding", "sparse"} & set(point.payload)
    assert set(PAYLOAD_INDEXES) <= set(point.payload)


@pytest.mark.parametrize("vector", [None, {}, {"dense": [0.0, 1.0]}, [0.0, 1.0]], ids=str)
def test_a_point_without_both_vectors_is_no_chunk(vector: object) -> None:
    point = point_of(make_embedded_chunk())
    with pytest.raises(StoreUnavailable, match=f"{point.id} has not the vectors of a chunk"):
        embedded_chunk_from(record_of(point, vector=vector))


@pytest.mark.parametrize("payload", [None, {}, {"category": "letters"}, {"category": "posts"}])
def test_a_point_of_somebody_else_is_no_chunk(payload: object) -> None:
    point = point_of(make_embedded_chunk())
    with pytest.raises(StoreUnavailable, match=f"{point.id} is no chunk"):
        embedded_chunk_from(record_of(point, payload=payload))


def test_an_empty_sparse_vector_stays_empty() -> None:
    point = point_of(make_embedded_chunk(sparse={}))
    assert embedded_chunk_from(record_of(point)).sparse == SparseVector(indices=(), values=())


def test_no_restriction_is_no_filter() -> None:
    assert filter_of(SearchFilters()) is None


def test_every_restriction_becomes_one_condition_on_its_field() -> None:
    found = filter_of(
        SearchFilters(
            authors=("Ada", "Bob"),
            platforms=("medium",),
            categories=(DataCategory.POSTS,),
            document_ids=(document_id("https://example.org/x"),),
            published_from=MAY,
        )
    )
    assert found is not None
    conditions = [c for c in found.must or [] if isinstance(c, models.FieldCondition)]
    assert [condition.key for condition in conditions] == [
        "author_keys",
        "platform",
        "category",
        "document_id",
        "published",
    ]
    assert {condition.key for condition in conditions} == set(PAYLOAD_INDEXES)
    assert conditions[0].match == models.MatchAny(any=["ada", "bob"])
    assert conditions[-1].range == models.DatetimeRange(gte=MAY, lte=None)


def test_a_collection_ranks_by_cosine_and_weighs_terms_by_rarity() -> None:
    (dense,) = vector_params(384).values()
    (sparse,) = sparse_vector_params().values()
    assert (dense.size, dense.distance) == (384, models.Distance.COSINE)
    assert sparse.modifier is models.Modifier.IDF


@pytest.mark.parametrize("kind", sorted(set(PAYLOAD_INDEXES.values())))
def test_every_kind_of_payload_index_is_one_of_qdrants(kind: str) -> None:
    assert payload_schema(kind).value == kind
