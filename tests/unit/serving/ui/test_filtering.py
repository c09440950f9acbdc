"""The page's fields as filters."""

from datetime import UTC, datetime

import pytest

from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.types import DataCategory
from llm_engineering.serving.ui.filtering import query_of


def test_empty_fields_restrict_nothing() -> None:
    query = query_of(" Why? ", "", None, [], " ", None)
    assert (query.text, query.filters) == (" Why? ", SearchFilters())


def test_fields_become_filters() -> None:
    filters = query_of(
        "Why?", "Ada Lovelace,  , Grace Hopper", "medium.com", ["posts"], "2026-05-01", "2026-05-02"
    ).filters
    assert filters.authors == ("Ada Lovelace", "Grace Hopper")
    assert filters.platforms == ("medium.com",)
    assert filters.categories == (DataCategory.POSTS,)
    assert filters.published_from == datetime(2026, 5, 1, tzinfo=UTC)
    assert filters.published_to == datetime(2026, 5, 2, 23, 59, 59, 999999, UTC)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (("", "", "", [], "", ""), "Question: write one"),
        ((None, "", "", [], "", ""), "Question: write one"),
        ((" \n", "", "", [], "", ""), "Question: write one"),
        (("x" * 2001, "", "", [], "", ""), "2001 characters .allowed: 2000"),
        (("a", "", "", ["songs"], "", ""), "Category: 'songs' .allowed: "),
        (("a", "", "", [], "yesterday", ""), "From: 'yesterday' is no day such as"),
        (("a", "", "", [], "", "2026-02-30"), "To: '2026-02-30' is no day"),
        (("a", "", "", [], "2026-02-02", "2026-02-01"), "From: 2026-02-02 is after 2026-02-01"),
    ],
)
def test_what_cannot_be_read_is_named(
    fields: tuple[str, str, str, list[str], str, str], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        query_of(*fields)
