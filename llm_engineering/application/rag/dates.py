"""The period that a question restricts its sources to: `since 1975`, `in March 2020`, `last year`.

What is said of a past year may be its subject: "the war before 1939". So a plain year counts only
where `dated_works` says that the question speaks of texts. `since`, `after` and periods counted
from today always count: what tells of them was published in them.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = rf"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\.?"
_YEAR = r"(?:19|20)\d\d"
# a day, a month or a year; in that order of the alternatives
_MOMENT = (
    rf"(?:{_YEAR}-\d\d?-\d\d?|(?:\d\d?\s+)?{_MONTH},?\s+(?:\d\d?,\s*)?{_YEAR}|{_YEAR}-\d\d?"
    rf"|{_YEAR})(?![\w%]|[.,]\d|-\d\d?\b)"
)
_COUNTED = re.compile(  # "in 2000 lines" is no year
    r"\s+(?!is\b|was\b|has\b|does\b|as\b|this\b|papers\b|articles\b|posts\b|works\b|books\b"
    r"|texts\b|talks\b)(?:[a-z]+s|percent|[kmg]b|words?|times?|people)\b"
)
_UNITS = {"day": 1, "week": 7, "month": 30, "year": 365}
_NUMBERS = {
    word: number
    for number, word in enumerate(
        re.findall(r"\w+", "one two three four five six seven eight nine ten eleven twelve"),
        start=1,
    )
}


@dataclass(frozen=True)
class Period:
    """From `start` to `end`, both inclusive; None leaves that end open."""

    start: datetime | None = None
    end: datetime | None = None


def named_period(question: str, now: datetime, *, dated_works: bool) -> Period | None:
    """Returns the period that the question names, None when it names none.

    `now` is what `last year` counts from. Impossible dates (31 April) count as not said.
    """
    for pattern, needs_works, read in _FORMS:
        if needs_works and not dated_works:
            continue
        for match in pattern.finditer(question):
            if _COUNTED.match(question, match.end()):
                continue
            try:
                period = read(match, now)
            except (ValueError, OverflowError):
                continue
            if period and not (period.start and period.end and period.start > period.end):
                return period
    return None


def _moment(text: str) -> Period:
    """Returns the whole day, month or year."""
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    named = re.search(_MONTH, text, re.I)
    if named:
        year = max(numbers)
        month = _MONTHS[named[0].lower().rstrip(".")]
        day = min(numbers) if len(numbers) > 1 else None
    else:
        year, month, day = (*numbers, None, None)[:3]  # type: ignore[assignment]
    first = datetime(year, month or 1, day or 1, tzinfo=UTC)
    last_month = month or 12
    last = datetime(year, last_month, day or monthrange(year, last_month)[1], tzinfo=UTC)
    return Period(first, last + timedelta(days=1, microseconds=-1))


def _since(match: re.Match[str], _: datetime) -> Period:
    return Period(start=_moment(match["a"]).start)


def _after(match: re.Match[str], _: datetime) -> Period:
    end = _moment(match["a"]).end
    return Period(start=end and end + timedelta(microseconds=1))


def _before(match: re.Match[str], _: datetime) -> Period:
    start = _moment(match["a"]).start
    return Period(end=start and start - timedelta(microseconds=1))


def _until(match: re.Match[str], _: datetime) -> Period:
    return Period(end=_moment(match["a"]).end)


def _within(match: re.Match[str], _: datetime) -> Period:
    return _moment(match["a"])


def _between(match: re.Match[str], _: datetime) -> Period:
    first = match["a"]
    if not re.search(_YEAR, first):  # between March and June 2021
        first = f"{first} {re.findall(_YEAR, match['b'])[-1]}"
    return Period(_moment(first).start, _moment(match["b"]).end)


def _decade(match: re.Match[str], _: datetime) -> Period:
    first = int(match["a"])
    first += 1900 if first < 100 else 0  # noqa: PLR2004 - two digits mean the last century
    return Period(_moment(str(first)).start, _moment(str(first + 9)).end)


def _last(match: re.Match[str], now: datetime) -> Period:
    """Returns the past calendar unit (last year), or so many units up to now (last 3 years)."""
    unit, said = match["unit"].lower(), (match["n"] or "").lower()
    if said:
        amount = _NUMBERS.get(said) or int(said)
        return Period(now - timedelta(days=amount * _UNITS[unit]), now)
    this = _this(match, now).start
    return Period(this and _unit_before(this, unit), this and this - timedelta(microseconds=1))


def _this(match: re.Match[str], now: datetime) -> Period:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = {
        "day": midnight,
        "week": midnight - timedelta(days=midnight.weekday()),
        "month": midnight.replace(day=1),
        "year": midnight.replace(month=1, day=1),
    }
    return Period(starts[match["unit"].lower()], now)


def _unit_before(start: datetime, unit: str) -> datetime:
    if unit == "year":
        return start.replace(year=start.year - 1)
    if unit == "month":
        return (start - timedelta(days=1)).replace(day=1)
    return start - timedelta(days=_UNITS[unit])


def _days(match: re.Match[str], now: datetime) -> Period:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if match["day"].lower() == "today":
        return Period(midnight, now)
    return Period(midnight - timedelta(days=1), midnight - timedelta(microseconds=1))


Form = tuple[re.Pattern[str], bool, Callable[[re.Match[str], datetime], Period | None]]


def _form(
    pattern: str,
    read: Callable[[re.Match[str], datetime], Period | None],
    *,
    needs_works: bool = False,
) -> Form:
    return re.compile(rf"\b{pattern}", re.I), needs_works, read


_A, _B = rf"(?P<a>{_MOMENT})", rf"(?P<b>{_MOMENT})"
_FIRST = rf"(?P<a>{_MOMENT}|(?:\d\d?\s+)?{_MONTH}(?:\s+\d\d?)?)"
_COUNT = rf"(?:(?P<n>\d{{1,3}}|{'|'.join(_NUMBERS)})\s+)?"
_UNIT = r"(?P<unit>day|week|month|year)s?\b(?!\s+of\b)"
# the first form that is found decides
_FORMS: tuple[Form, ...] = (
    _form(rf"between\s+{_FIRST}\s+and\s+{_B}", _between, needs_works=True),
    _form(
        rf"(?:from\s+)?{_FIRST}\s*(?:to|until|till|through|-|\u2013)\s*{_B}",
        _between,
        needs_works=True,
    ),
    _form(rf"from\s+{_A}\s+on(?:wards?)?\b", _since),
    _form(rf"(?:since|starting\s+(?:in|from))\s+{_A}", _since),
    _form(rf"(?:after|later\s+than|newer\s+than)\s+{_A}", _after),
    _form(rf"(?:before|earlier\s+than|prior\s+to|older\s+than)\s+{_A}", _before, needs_works=True),
    _form(rf"(?:until|till|through|up\s+to)\s+{_A}", _until, needs_works=True),
    _form(rf"(?:last|past|previous)\s+{_COUNT}{_UNIT}", _last),
    _form(rf"this\s+{_UNIT}", _this),
    _form(r"(?P<day>today|yesterday)\b(?!')", _days, needs_works=True),
    _form(r"(?:in|during|from|of)\s+the\s+(?P<a>(?:19|20)?\d0)'?s\b", _decade, needs_works=True),
    _form(rf"(?:in|during|from|of|on|dated)\s+(?:the\s+year\s+)?{_A}", _within, needs_works=True),
    _form(rf"['\u2019]s?\s+{_A}(?=\s)", _within, needs_works=True),
)
