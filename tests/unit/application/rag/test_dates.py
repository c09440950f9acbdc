from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.rag.dates import named_period

NOW = datetime(2026, 3, 18, 15, 30, tzinfo=UTC)  # a Wednesday


def period(question: str, *, dated_works: bool = True) -> tuple[str | None, str | None]:
    found = named_period(question, NOW, dated_works=dated_works)
    if found is None:
        return None, None
    start = found.start.isoformat()[:10] if found.start else None
    end = found.end.isoformat()[:10] if found.end else None
    return start, end


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("papers since 1975", "1975-01-01", None),
        ("papers since March 2020", "2020-03-01", None),
        ("papers after 1975", "1976-01-01", None),
        ("papers after 5 May 2021", "2021-05-06", None),
        ("papers before 1970", None, "1969-12-31"),
        ("papers until 1970", None, "1970-12-31"),
        ("papers up to 2021-02", None, "2021-02-28"),
        ("papers in 1968", "1968-01-01", "1968-12-31"),
        ("What did Okafor publish in 1968?", "1968-01-01", "1968-12-31"),
        ("papers of February 2024", "2024-02-01", "2024-02-29"),
        ("posts on May 5, 2021", "2021-05-05", "2021-05-05"),
        ("posts from 2021-05-05", "2021-05-05", "2021-05-05"),
        ("Okafor's 1974 paper", "1974-01-01", "1974-12-31"),
        ("papers between 1970 and 1975", "1970-01-01", "1975-12-31"),
        ("between March 2020 and June 2021", "2020-03-01", "2021-06-30"),
        ("posts between March and June 2021", "2021-03-01", "2021-06-30"),
        ("papers from 1970 to 1975", "1970-01-01", "1975-12-31"),
        ("papers 1970-1975", "1970-01-01", "1975-12-31"),
        ("papers from 1970 onwards", "1970-01-01", None),
        ("papers from 1970", "1970-01-01", "1970-12-31"),
        ("papers in the 1970s", "1970-01-01", "1979-12-31"),
        ("papers of the 80's", "1980-01-01", "1989-12-31"),
        ("posts of last year", "2025-01-01", "2025-12-31"),
        ("last month's posts", "2026-02-01", "2026-02-28"),
        ("posts of last week", "2026-03-09", "2026-03-15"),
        ("posts of the past two weeks", "2026-03-04", "2026-03-18"),
        ("posts of the last 3 years", "2023-03-19", "2026-03-18"),
        ("posts this year", "2026-01-01", "2026-03-18"),
        ("posts this week", "2026-03-16", "2026-03-18"),
        ("posts from yesterday", "2026-03-17", "2026-03-17"),
        ("posts of today", "2026-03-18", "2026-03-18"),
    ],
)
def test_a_period_is_read(question: str, start: str | None, end: str | None) -> None:
    assert period(question) == (start, end)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "How do I sort in 2000 lines?",
        "a buffer of 1968 bytes in papers",
        "papers on ALGOL 68 and room 1975",
        "the papers in 1975.5 format",
        "papers of 31 April 2021",
        "papers between 1975 and 1970",
        "papers on the last day of the month",
    ],
)
def test_what_is_no_period_is_passed_over(question: str) -> None:
    assert period(question) == (None, None)


@pytest.mark.parametrize(
    ("question", "counts"),
    [
        ("What happened in 1968?", False),
        ("What were computers like before 1970?", False),
        ("wars between 1914 and 1918", False),
        ("What is new since 2020?", True),
        ("What changed last year?", True),
    ],
)
def test_without_texts_only_what_must_have_been_told_then_counts(
    question: str, counts: bool
) -> None:
    assert (period(question, dated_works=False) != (None, None)) == counts
    assert period(question, dated_works=True) != (None, None)


def test_a_period_has_whole_days() -> None:
    found = named_period("papers in 1968", NOW, dated_works=True)
    assert found
    assert found.start == datetime(1968, 1, 1, tzinfo=UTC)
    assert found.end == datetime(1968, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


@given(st.text(alphabet="since in 190248-, May'lastyer", max_size=60))
def test_nothing_is_too_odd(question: str) -> None:
    found = named_period(question, NOW, dated_works=True)
    assert found is None or not (found.start and found.end) or found.start <= found.end
