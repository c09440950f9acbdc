from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from llm_engineering.domain.ids import document_id
from llm_engineering.domain.queries import Query, ScoredChunk, SearchFilters
from llm_engineering.domain.types import DataCategory
from tests.builders import make_chunk


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "x" * 20_001])
def test_a_question_has_words_and_an_end(text: str) -> None:
    with pytest.raises(ValidationError):
        Query(text=text)


def test_the_longest_question_passes() -> None:
    assert len(Query(text="x" * 20_000).text) == 20_000


def test_dates_must_be_in_order() -> None:
    early, late = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    assert SearchFilters(published_from=early, published_to=late).published_to == late
    with pytest.raises(ValidationError, match="published_from is after published_to"):
        SearchFilters(published_from=late, published_to=early)


def test_the_score_is_that_of_the_last_stage() -> None:
    found = ScoredChunk(chunk=make_chunk(), scores={"dense": 0.4, "fusion": 0.9})
    assert found.score == 0.9


def test_one_instant_may_be_both_ends() -> None:
    instant = datetime(2025, 1, 1, tzinfo=UTC)
    filters = SearchFilters(published_from=instant, published_to=instant)
    assert filters.published_from == filters.published_to


def test_dates_in_different_zones_are_compared_as_instants() -> None:
    noon_in_tokyo = datetime(2025, 1, 1, 12, tzinfo=timezone(timedelta(hours=9)))
    four_in_london = datetime(2025, 1, 1, 4, tzinfo=UTC)
    SearchFilters(published_from=noon_in_tokyo, published_to=four_in_london)
    with pytest.raises(ValidationError, match="published_from is after published_to"):
        SearchFilters(published_from=four_in_london, published_to=noon_in_tokyo)


def test_a_date_without_a_zone_and_an_unknown_category_are_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        SearchFilters(published_from=datetime(2025, 1, 1))
    with pytest.raises(ValidationError, match="posts"):
        SearchFilters.model_validate({"categories": ["letters"]})
    with pytest.raises(ValidationError, match="author"):
        SearchFilters.model_validate({"author": "Ada"})


FULL = SearchFilters(
    authors=("Ada Lovelace",),
    platforms=("example.org",),
    categories=(DataCategory.ARTICLES,),
    document_ids=(document_id("https://example.org/dataclasses"),),
    published_from=datetime(2024, 5, 1, tzinfo=UTC),
    published_to=datetime(2024, 5, 31, tzinfo=UTC),
)
ALL = ("categories", "platforms", "published", "authors", "document_ids")


def test_what_is_restricted_has_a_name() -> None:
    assert FULL.restricted == ALL
    assert SearchFilters().restricted == ()
    assert SearchFilters(published_to=FULL.published_to).restricted == ("published",)


@pytest.mark.parametrize("name", ALL)
def test_each_restriction_can_be_given_up_alone(name: str) -> None:
    left = FULL.without([name])
    assert set(left.restricted) == set(ALL) - {name}
    assert FULL.without(ALL) == SearchFilters()
    assert left.completed_by(FULL) == FULL


def test_what_is_set_is_not_widened() -> None:
    mine = SearchFilters(authors=("Grace Hopper",), published_from=FULL.published_from)
    whole = mine.completed_by(FULL)
    assert whole.authors == ("Grace Hopper",)
    assert whole.published_to is None, "the period is one restriction"
    assert whole.platforms == FULL.platforms


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({}, ()),
        ({"author_full_name": "Grace Hopper"}, ("authors",)),
        ({"author_full_name": "Grace Hopper and A. Lovelace"}, ("authors",)),
        ({"author_full_name": "Grace Hopper and Ada Lovelace"}, ()),
        ({"author_full_name": None, "platform": "github"}, ("platforms", "authors")),
        ({"published": None}, ("published",)),
        ({"published": datetime(2024, 6, 1, tzinfo=UTC)}, ("published",)),
        ({"category": DataCategory.POSTS}, ("categories",)),
        ({"url": "https://example.org/other"}, ("document_ids",)),
    ],
)
def test_a_chunk_is_refused_by_what_it_does_not_meet(
    fields: dict[str, Any], refused: tuple[str, ...]
) -> None:
    assert FULL.refused(make_chunk(**fields)) == refused


@pytest.mark.parametrize(
    ("published", "passes"),
    [
        (FULL.published_from, True),
        (FULL.published_to, True),
        (datetime(2024, 4, 30, 23, 59, 59, 999_999, tzinfo=UTC), False),
        (datetime(2024, 5, 31, 0, 0, 0, 1, tzinfo=UTC), False),
        (datetime(2024, 5, 1, 1, tzinfo=timezone(timedelta(hours=2))), False),  # still April in UTC
    ],
)
def test_both_dates_are_inclusive(published: datetime, passes: bool) -> None:
    period = SearchFilters(published_from=FULL.published_from, published_to=FULL.published_to)
    assert (period.refused(make_chunk(published=published)) == ()) is passes


@pytest.mark.parametrize("field", ["published_from", "published_to"])
def test_half_a_period_is_a_restriction(field: str) -> None:
    half = SearchFilters(**{field: getattr(FULL, field)})
    assert half.restricted == ("published",)
    assert half.refused(make_chunk(published=None)) == ("published",)
    assert half.refused(make_chunk(published=datetime(2024, 5, 9, tzinfo=UTC))) == ()
    far = datetime(2020 if field == "published_from" else 2030, 1, 1, tzinfo=UTC)
    assert half.refused(make_chunk(published=far)) == ("published",)


def test_values_of_a_field_are_alternatives() -> None:
    either = SearchFilters(platforms=("github", "example.org"), authors=("Nobody", "ada LOVELACE"))
    assert either.refused(make_chunk()) == ()
    assert either.refused(make_chunk(platform="medium")) == ("platforms",)


@pytest.mark.parametrize("names", [(), ("platforms",), ALL, ("authors", "authors")])
def test_giving_up_is_giving_up_no_more(names: tuple[str, ...]) -> None:
    left = FULL.without(names)
    assert set(left.restricted) == set(ALL) - set(names)
    assert left.without(names) == left
    chunk = make_chunk(author_full_name=None, platform="medium", published=None)
    assert set(left.refused(chunk)) == set(FULL.refused(chunk)) - set(names)
