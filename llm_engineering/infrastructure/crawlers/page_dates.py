"""Dates as pages write them."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?(?!\d)"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T\d+)?$")
_IN_ADDRESS = re.compile(
    r"/((?:19|20)\d\d)[/-](0?[1-9]|1[0-2])[/-](0?[1-9]|[12]\d|3[01])(?=[/_.-]|$)"
)
_FIRST = datetime(1994, 1, 1, tzinfo=UTC)  # older ones are the zeros of some database
_TOMORROW = timedelta(days=1)  # what is today in the east of a clock in UTC


def moment(text: str, now: datetime) -> datetime | None:
    """Returns what an ISO 8601 or RFC 5322 date says, in its own time zone, else in UTC.

    A date alone is its midnight. None for what is no date, before 1994 or after `now`.
    """
    text = text.strip()
    found = _iso(text) or _rfc(text)
    return found if found is not None and _FIRST <= found <= now + _TOMORROW else None


def _iso(text: str) -> datetime | None:
    match = _ISO.match(text) or _COMPACT.match(text)
    if match is None:
        return None
    year, month, day, *time = match.groups()
    hour, minute, second, zone = time or (None,) * 4
    written = f"{year}-{month:0>2}-{day:0>2}T{hour or 0:0>2}:{minute or '00'}:{second or '00'}"
    try:
        return datetime.fromisoformat(written + (zone or "+00:00"))
    except ValueError:
        return None


def _rfc(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def date_in_address(url: str, now: datetime) -> datetime | None:
    """Returns the day in the path of an address such as `/2024/03/09/`."""
    match = _IN_ADDRESS.search(url)
    return moment("-".join(match.groups()), now) if match else None
