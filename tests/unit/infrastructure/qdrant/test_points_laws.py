"""What holds for any chunk, any filter and any order of what an engine returns."""

from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import InvalidInput, StoreUnavailable
from llm_engineering.domain.queries import Candidate, ScoredChunk, SearchFilters
from llm_engineering.domain.types import DataCategory
from llm_engineering.infrastructure.qdrant.points import (
    Payload,
    Restriction,
    best_candidates_first,
    best_first,
    check_searches,
    chunk_of,
    documents_of,
    embedded_chunk_of,
    payload_of,
    restrictions,
)
from tests.builders import (
    make_chunk,
    make_embedded_chunk,
    make_embedded_query,
    make_generation,
    numbered_id,
)

AUTHORS = ["Ada Lovelace", "Lovelace, Ada", "Zoë Ünal", "Zoe Unal and A. Lovelace", "李 明", None]
PLATFORMS = ["medium", "example.org", "git"]
URLS = [f"https://example.org/{number}" for number in range(3)]
START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = [START + timedelta(days=days, microseconds=days) for days in range(4)]

some_chunks = st.builds(
    make_embedded_chunk,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(str.strip),
    url=st.sampled_from(URLS),
    category=st.sampled_from(DataCategory),
    author_full_name=st.sampled_from(AUTHORS),
    platform=st.sampled_from(PLATFORMS),
    published=st.sampled_from([*DAYS, None]),
)


def subsets(values: list[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


@st.composite
def some_filters(draw: st.DrawFn) -> SearchFilters:
    start, end = draw(st.sampled_from([*DAYS, None])), draw(st.sampled_from([*DAYS, None]))
    if start and end and start > end:
        start, end = end, start
    return SearchFilters(
        authors=draw(subsets([name for name in AUTHORS if name])),
        platforms=draw(subsets(PLATFORMS)),
        categories=draw(subsets(list(DataCategory))),
        document_ids=tuple(make_chunk(url=url).document_id for url in draw(subsets(URLS))),
        published_from=start,
        published_to=end,
    )


def meets(payload: Payload, restriction: Restriction) -> bool:
    """Evaluates a restriction as Qdrant's documentation describes `match any` and `range`."""
    if restriction.field not in payload:
        return False
    value = payload[restriction.field]
    if restriction.values:
        held = value if isinstance(value, list) else [value]
        return any(one in restriction.values for one in held)
    time = datetime.fromisoformat(value)
    return (restriction.start is None or time >= restriction.start) and (
        restriction.end is None or time <= restriction.end
    )


@given(some_chunks, some_filters())
def test_what_qdrant_is_asked_for_is_what_the_filters_mean(
    chunk: EmbeddedChunk, filters: SearchFilters
) -> None:
    payload = payload_of(chunk)
    passes = all(meets(payload, one) for one in restrictions(filters))
    assert passes is (not filters.refused(chunk))


@given(some_chunks)
def test_any_chunk_comes_back_from_its_payload(chunk: EmbeddedChunk) -> None:
    payload = payload_of(chunk)
    again = embedded_chunk_of(str(chunk.id), payload, list(chunk.embedding), chunk.sparse)
    assert again == chunk
    assert chunk_of(chunk.id, payload).text == chunk.text


@given(some_chunks)
def test_reading_a_payload_leaves_it_as_it_was(chunk: EmbeddedChunk) -> None:
    """The embedded engine hands out what it may hand out again."""
    payload = payload_of(chunk)
    before = dict(payload)
    chunk_of(chunk.id, payload)
    embedded_chunk_of(chunk.id, payload, chunk.embedding, chunk.sparse)
    assert payload == before


FIELDS = payload_of(make_embedded_chunk())


@pytest.mark.parametrize(
    "damage",
    [
        {"category": None},
        {"category": ["posts"]},
        {"document_id": "no uuid"},
        {"start": -1},
        {"text": None},
        {"published": "yesterday"},
        {"heading_path": "no list"},
        {"surprise": 1},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_a_damaged_payload_is_one_line_that_names_the_point(damage: dict[str, Any]) -> None:
    payload = {**FIELDS, **damage}
    embedded = make_embedded_chunk()
    with pytest.raises(StoreUnavailable, match=str(numbered_id(7))) as failure:
        chunk_of(numbered_id(7), payload)
    assert "\n" not in str(failure.value)
    assert len(str(failure.value)) < 300
    with pytest.raises(StoreUnavailable, match=str(numbered_id(7))):
        embedded_chunk_of(numbered_id(7), payload, embedded.embedding, embedded.sparse)


@pytest.mark.parametrize("name", sorted(set(FIELDS) - {"author_keys", "embedder"}))
def test_a_field_that_every_chunk_has_may_not_be_missing(name: str) -> None:
    optional = {"author_full_name", "author_id", "published", "language", "heading_path"}
    payload = {key: value for key, value in FIELDS.items() if key != name}
    if name in optional:
        assert chunk_of(numbered_id(7), payload).text == FIELDS["text"]
    else:
        with pytest.raises(StoreUnavailable, match=name):
            chunk_of(numbered_id(7), payload)


scores = st.sampled_from([-1.0, 0.0, 0.25, 0.5, 0.5000000001, 1.0])
found = st.lists(st.tuples(st.integers(0, 30), scores), unique_by=itemgetter(0), max_size=12)


@given(found)
@example([(3, 0.5), (2, 0.5)])
@example([(1, 0.25), (2, 0.5)])
def test_candidates_are_ordered_by_falling_score_and_then_by_id(
    pairs: list[tuple[int, float]],
) -> None:
    candidates = [Candidate(numbered_id(number), score) for number, score in pairs]
    ranked = [(one.id.int, one.score) for one in best_candidates_first(candidates)]
    assert ranked == sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


@given(found)
def test_chunks_and_candidates_are_ordered_alike(pairs: list[tuple[int, float]]) -> None:
    base = make_chunk()
    chunks = [
        ScoredChunk(
            chunk=base.model_copy(update={"id": numbered_id(number)}), scores={"dense": score}
        )
        for number, score in pairs
    ]
    candidates = [Candidate(numbered_id(number), score) for number, score in pairs]
    assert [one.chunk.id for one in best_first(chunks)] == [
        one.id for one in best_candidates_first(candidates)
    ]


held_of_documents = st.lists(
    st.fixed_dictionaries(
        {
            "document_id": st.sampled_from([str(numbered_id(number)) for number in (1, 2)]),
            "revision": st.sampled_from(["a", "b"]),
            "total": st.integers(1, 3),
        }
    ),
    max_size=12,
)


@given(held_of_documents, st.randoms(use_true_random=False))
def test_what_is_held_does_not_depend_on_the_order_of_the_points(
    payloads: list[Payload], random: Any
) -> None:
    shuffled = list(payloads)
    random.shuffle(shuffled)
    held = documents_of(payloads)
    assert documents_of(shuffled) == held
    assert sum(one.chunks for found in held.values() for one in found) == len(payloads)
    assert all(isinstance(document, UUID) for document in held)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"revision": "a", "total": 1},
        {"document_id": str(numbered_id(1)), "total": 1},
        {"document_id": str(numbered_id(1)), "revision": "a"},
        {"document_id": "no uuid", "revision": "a", "total": 1},
        {"document_id": ["a list"], "revision": "a", "total": 1},
        {"document_id": None, "revision": "a", "total": 1},
    ],
)
def test_a_point_of_somebody_else_is_no_document(payload: Payload) -> None:
    good = {"document_id": str(numbered_id(1)), "revision": "a", "total": 1}
    with pytest.raises(StoreUnavailable, match="is no chunk"):
        documents_of([good, payload])


def test_the_vectors_of_dense_searches_alone_must_fit() -> None:
    generation = make_generation(dimension=4)
    fits, short = make_embedded_query(), make_embedded_query(embedding=(0.6, 0.8))
    check_searches(generation, [])
    check_searches(generation, [("dense", fits), ("sparse", short)])
    with pytest.raises(InvalidInput, match=rf"2 dimensions.*{generation.name}"):
        check_searches(generation, [("sparse", short), ("dense", fits), ("dense", short)])
