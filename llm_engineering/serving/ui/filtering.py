"""The page's fields as filters of a question."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import Query, SearchFilters
from llm_engineering.domain.types import DataCategory
from llm_engineering.serving.limits import MAX_QUERY_CHARACTERS


def query_of(
    text: str | None,
    authors: str | None,
    platforms: str | None,
    categories: Sequence[str],
    since: str | None,
    until: str | None,
) -> Query:
    """Returns the question; authors and platforms are separated by commas, dates are ISO days.

    None is an empty field.

    Raises:
        InvalidInput: a field cannot be read, or the question is empty or too long.
    """
    if not (text and text.strip()):
        raise InvalidInput("Question: write one")
    if len(text) > MAX_QUERY_CHARACTERS:
        raise InvalidInput(f"Question: {len(text)} characters (allowed: {MAX_QUERY_CHARACTERS})")
    first, last = _day("From", since), _day("To", until)
    if first and last and first > last:
        raise InvalidInput(f"From: {first} is after {last}")
    return Query(
        text=text,
        filters=SearchFilters(
            authors=_names(authors),
            platforms=_names(platforms),
            categories=tuple(map(_category, categories)),
            published_from=datetime.combine(first, time.min, UTC) if first else None,
            published_to=datetime.combine(last, time.max, UTC) if last else None,
        ),
    )


def _names(written: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (written or "").split(",") if name.strip())


def _category(name: str) -> DataCategory:
    try:
        return DataCategory(name)
    except ValueError:
        allowed = ", ".join(DataCategory)
        raise InvalidInput(f"Category: {name[:50]!r} (allowed: {allowed})") from None


def _day(field: str, written: str | None) -> date | None:
    if not (written and written.strip()):
        return None
    try:
        return date.fromisoformat(written.strip())
    except ValueError:
        raise InvalidInput(f"{field}: {written[:50]!r} is no day such as 2026-05-01") from None
