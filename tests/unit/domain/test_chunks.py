"""Chunks and embedded chunks: what the embedder reads, and which class a category has."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from llm_engineering.domain.chunks import CHUNK_TYPES, ArticleChunk, Chunk, PostChunk
from llm_engineering.domain.embedded_chunks import EMBEDDED_TYPES, EmbeddedChunk, SparseVector
from llm_engineering.domain.types import DataCategory
from tests.builders import make_chunk, make_embedded_chunk


def test_the_passage_carries_the_headings_above_it() -> None:
    chunk = make_chunk(text="The tide turns.", heading_path=("Sea", "Tides"))
    assert chunk.passage == "Sea > Tides\nThe tide turns."
    assert make_chunk(text="The tide turns.", heading_path=()).passage == "The tide turns."


def test_the_hash_is_that_of_the_passage_and_not_of_the_text_alone() -> None:
    chunk = make_chunk(text="The tide turns.", heading_path=("Sea",))
    expected = hashlib.sha256(b"Sea\nThe tide turns.").hexdigest()
    assert chunk.passage_hash == expected
    assert make_chunk(text="The tide turns.", heading_path=()).passage_hash != expected


@given(text=st.text(max_size=40), headings=st.lists(st.text(max_size=10), max_size=3).map(tuple))
def test_equal_passages_share_a_hash_wherever_they_stand(
    text: str, headings: tuple[str, ...]
) -> None:
    here = make_chunk(text=text, heading_path=headings)
    there = make_chunk(text=text, heading_path=headings, url="https://example.org/x", position=3)
    assert here.passage_hash == there.passage_hash
    assert here.id != there.id
    assert here.passage.endswith(text)


@pytest.mark.parametrize("category", list(DataCategory))
def test_every_category_has_its_own_classes(category: DataCategory) -> None:
    assert type(make_chunk(category=category)) is CHUNK_TYPES[category]
    embedded = make_embedded_chunk(category=category)
    assert type(embedded) is EMBEDDED_TYPES[category]
    assert isinstance(embedded, EmbeddedChunk)
    assert embedded.category is category
    assert set(CHUNK_TYPES) == set(EMBEDDED_TYPES) == set(DataCategory)


def test_a_class_refuses_the_category_of_another() -> None:
    fields = make_chunk(category=DataCategory.ARTICLES).model_dump()
    with pytest.raises(ValidationError, match="category"):
        PostChunk.model_validate(fields)
    del fields["category"]
    assert ArticleChunk.model_validate(fields).category is DataCategory.ARTICLES


@pytest.mark.parametrize(
    "fields", [{"position": -1}, {"total": 0}, {"start": -1}, {"end": -5}, {"colour": "red"}]
)
def test_positions_count_from_zero_and_unknown_fields_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match=next(iter(fields))):
        make_chunk(**fields)  # type: ignore[arg-type]


def test_an_embedded_chunk_is_the_same_chunk_with_vectors() -> None:
    plain = make_chunk("The tide turns.")
    embedded = make_embedded_chunk("The tide turns.")
    assert {name: getattr(embedded, name) for name in Chunk.model_fields} == dict(plain)
    assert embedded.passage_hash == plain.passage_hash


def test_an_embedded_chunk_comes_back_from_json_as_it_was() -> None:
    chunk = make_embedded_chunk("Größe \u2028 “x”", sparse={7: 0.5, 2**31 - 1: 1e-9})
    again = type(chunk).model_validate_json(chunk.model_dump_json())
    assert again == chunk
    assert again.sparse == SparseVector(indices=(7, 2**31 - 1), values=(0.5, 1e-9))


def test_an_embedded_chunk_without_its_model_is_refused() -> None:
    fields = make_embedded_chunk().model_dump(exclude={"embedder"})
    with pytest.raises(ValidationError, match="embedder"):
        EMBEDDED_TYPES[DataCategory.ARTICLES].model_validate(fields)
