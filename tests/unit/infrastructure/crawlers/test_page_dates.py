from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.infrastructure.crawlers.page_dates import date_in_address, moment

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-09", "2024-03-09T00:00:00+00:00"),
        ("2024/3/9", "2024-03-09T00:00:00+00:00"),
        ("20240309", "2024-03-09T00:00:00+00:00"),
        ("2024-03-09T08:15:30Z", "2024-03-09T08:15:30+00:00"),
        ("2024-03-09T08:15:30.123456+02:00", "2024-03-09T08:15:30+02:00"),
        ("2024-03-09 08:15", "2024-03-09T08:15:00+00:00"),
        ("2024-03-09T08:15-0500", "2024-03-09T08:15:00-05:00"),
        ("2020-08-06T09:09:24.0000000Z", "2020-08-06T09:09:24+00:00"),
        ("Sat, 09 Mar 2024 08:15:30 GMT", "2024-03-09T08:15:30+00:00"),
        (" 2024-03-09 \n", "2024-03-09T00:00:00+00:00"),
    ],
)
def test_dates_as_pages_declare_them(text: str, expected: str) -> None:
    found = moment(text, NOW)
    assert found is not None
    assert found.isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "yesterday",
            "2024",
            "2024-13-01",
            "2024-02-30",
            "0001-01-01T00:00:00Z",
            "1970-01-01",
        ),
        *("2031-01-01", "2026-11-24T00:00:00Z", "2024-03-09T99:00", "20249999"),
    ],
)
def test_what_is_no_date_of_a_page(text: str) -> None:
    assert moment(text, NOW) is None


def test_today_in_the_east_is_believed() -> None:
    assert moment("2026-11-23T07:00:00+09:00", NOW) is not None


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://x.org/2024/03/09/tides", "2024-03-09"),
        ("https://x.org/news/2024-3-9/", "2024-03-09"),
        ("https://x.org/2024/03/tides", None),
        ("https://x.org/2024/13/09/tides", None),
        ("https://x.org/item/20240309", None),
        ("https://x.org/2031/03/09/tides", None),
    ],
)
def test_the_day_in_an_address(url: str, day: str | None) -> None:
    found = date_in_address(url, NOW)
    assert (found and f"{found:%Y-%m-%d}") == day


@given(st.text())
def test_any_text_is_a_date_or_none(text: str) -> None:
    found = moment(text, NOW)
    assert found is None or found.tzinfo is not None


@given(st.datetimes(datetime(1995, 1, 1), datetime(2026, 11, 21), timezones=st.just(UTC)))
def test_every_moment_is_read_back_to_the_second(when: datetime) -> None:
    assert moment(when.isoformat(), NOW) == when.replace(microsecond=0)
