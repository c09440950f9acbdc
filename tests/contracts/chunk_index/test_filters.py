"""ChunkIndex: filters mean the same wherever they are given."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.domain.ids import document_id
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.types import DataCategory
from tests.builders import make_embedded_query
from tests.contracts.chunk_index.index_making import GENERATION, chunk, ids

MAY = datetime(2024, 5, 1, tzinfo=UTC)
FILTERED = [
    (SearchFilters(), [1, 2, 3, 4]),
    (SearchFilters(authors=("Ada Lovelace",)), [1, 2]),
    (SearchFilters(authors=("Ada Lovelace", "Søren Ågård")), [1, 2, 3]),
    (SearchFilters(authors=("LOVELACE, Ada",)), [1, 2]),
    (SearchFilters(authors=("Soren Agard",)), [3]),
    (SearchFilters(authors=("Lovelace",)), []),
    (SearchFilters(authors=("Mary Somerville",)), [3]),
    (SearchFilters(authors=("Søren Ågård; Somerville, M.",)), []),
    (SearchFilters(authors=("Søren Ågård and Mary Somerville",)), [3]),
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
                author_full_name="Søren Ågård and Mary Somerville",
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
