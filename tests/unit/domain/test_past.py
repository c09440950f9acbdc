"""Which revision was current when: golden cases, and laws over made-up histories."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.domain.past import RevisionTimes

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


# fetched on day 0 and day 4, seen for the last time on day 6, gone on day 9
TWO = RevisionTimes(
    current="second",
    visited_at=day(6),
    gone_at=day(9),
    fetched={"first": day(0), "second": day(4)},
)


@pytest.mark.parametrize(
    ("at", "revision"),
    [
        (-1, None),
        (0, "first"),
        (3, "first"),
        (4, "second"),
        (6, "second"),
        (8, "second"),
        (9, None),
        (20, None),
    ],
)
def test_each_moment_has_its_revision(at: int, revision: str | None) -> None:
    assert TWO.at(day(at)) == revision


def test_a_page_that_went_back_to_what_it_said_is_that_again() -> None:
    back = RevisionTimes("first", day(8), None, {"first": day(0), "second": day(4)})
    assert back.at(day(5)) == "second"
    assert back.at(day(8)) == "first"
    assert back.at(day(30)) == "first"


def test_between_the_last_change_and_the_last_visit_the_change_holds() -> None:
    back = RevisionTimes("first", day(8), None, {"first": day(0), "second": day(4)})
    assert back.at(day(7)) == "second", "nobody saw what it said on day 7"


def test_of_two_revisions_of_one_moment_the_later_one_counts() -> None:
    twins = RevisionTimes("b", day(5), None, {"a": day(0), "b": day(0)})
    assert twins.at(day(1)) == "b"


HISTORIES = st.lists(st.integers(0, 50), min_size=1, max_size=6, unique=True).map(sorted)


def history(days: list[int], gone: int | None = None) -> RevisionTimes:
    """Returns the times of a page that was seen on these days and said something new each time."""
    return RevisionTimes(
        current=f"r{days[-1]}",
        visited_at=day(days[-1]),
        gone_at=None if gone is None else day(gone),
        fetched={f"r{one}": day(one) for one in days},
    )


@given(HISTORIES, st.integers(-5, 60))
def test_the_latest_revision_before_a_moment_is_current_then(days: list[int], at: int) -> None:
    before = [one for one in days if one <= at]
    assert history(days).at(day(at)) == (f"r{before[-1]}" if before else None)


@given(HISTORIES, st.integers(51, 60), st.integers(-5, 70))
def test_from_the_day_it_went_there_is_none(days: list[int], gone: int, at: int) -> None:
    known = history(days, gone).at(day(at))
    assert known == (None if at >= gone else history(days).at(day(at)))


@given(HISTORIES)
def test_now_it_is_the_current_one(days: list[int]) -> None:
    times = history(days)
    assert times.at(day(1000)) == times.current
