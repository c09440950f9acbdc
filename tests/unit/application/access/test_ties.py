"""A tie holds whatever is asked: the filters that come out pass nothing that it does not pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.access.ties import admits, narrowed
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.types import DataCategory
from tests.builders import make_chunk
from tests.contracts.document_making import article, post, repository_file

AUTHORS = ("Ada Lovelace", "Grace Hopper", "Alan Turing")
PLATFORMS = ("github", "medium", "example.org")
TIES = SearchFilters(authors=("Ada Lovelace", "Grace Hopper"), platforms=("github",))


def some(values: tuple[object, ...]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(values), unique=True).map(tuple)


FILTERS = st.builds(
    lambda authors, platforms, categories: SearchFilters(
        authors=authors, platforms=platforms, categories=categories
    ),
    some(AUTHORS),
    some(PLATFORMS),
    some(tuple(DataCategory)),
)


@given(
    FILTERS,
    FILTERS,
    st.sampled_from(AUTHORS),
    st.sampled_from(PLATFORMS),
    st.sampled_from(tuple(DataCategory)),
)
def test_what_passes_is_what_passes_both(
    asked: SearchFilters, ties: SearchFilters, author: str, platform: str, category: DataCategory
) -> None:
    chunk = make_chunk(author_full_name=author, platform=platform, category=category)
    both = not asked.refused(chunk) and not ties.refused(chunk)
    after = narrowed(asked, ties)
    assert (after is not None and not after.refused(chunk)) == both


def test_what_is_asked_within_the_ties_stays() -> None:
    asked = SearchFilters(authors=("lovelace, ADA",))
    after = narrowed(asked, TIES)
    assert after is not None
    assert (after.authors, after.platforms) == (("lovelace, ADA",), ("github",))


@pytest.mark.parametrize(
    "asked", [SearchFilters(authors=("Alan Turing",)), SearchFilters(platforms=("medium",))]
)
def test_what_is_asked_outside_the_ties_is_nothing(asked: SearchFilters) -> None:
    assert narrowed(asked, TIES) is None


def test_no_ties_change_nothing() -> None:
    asked = SearchFilters(authors=("Alan Turing",), platforms=("medium",))
    assert narrowed(asked, SearchFilters()) == asked


def test_what_a_question_names_cannot_widen_them() -> None:
    found = SearchFilters(authors=("Alan Turing",), platforms=("medium",))
    after = narrowed(SearchFilters(), TIES)
    assert after is not None
    in_force = after.completed_by(found)
    assert (in_force.authors, in_force.platforms) == (TIES.authors, TIES.platforms)


def test_a_document_is_known_to_those_whose_ties_it_meets() -> None:
    by_ada = article(author="Ada Lovelace and Charles Babbage")
    assert admits(SearchFilters(authors=("A. Lovelace", "lovelace, ada")), by_ada)
    assert not admits(SearchFilters(authors=("Grace Hopper",)), by_ada)
    assert not admits(SearchFilters(authors=("Grace Hopper",)), article())
    assert admits(SearchFilters(categories=(DataCategory.POSTS,)), post())
    assert not admits(SearchFilters(categories=(DataCategory.POSTS,)), repository_file())
    assert not admits(SearchFilters(platforms=("medium",)), repository_file())
    assert admits(SearchFilters(), repository_file())
