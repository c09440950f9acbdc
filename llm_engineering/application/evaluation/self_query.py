"""How well filters are read out of questions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any
from uuid import UUID

from llm_engineering.application.evaluation.collection import (
    collection_document_id,
    read_lines,
    read_object,
)
from llm_engineering.application.evaluation.metrics import recall
from llm_engineering.application.evaluation.retrieval import DEPTH, Searcher
from llm_engineering.application.rag.self_query import SelfQueryResult
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.evaluation import SelfQueryMiss, SelfQueryReport
from llm_engineering.domain.names import parsed_name
from llm_engineering.domain.queries import Query, SearchFilters

FIELDS = ("author", "author_any", "year", "platform", "category")

_WHOLE_YEAR = (1, 1, 12, 31)

Restriction = tuple[str, str]


@dataclass(frozen=True)
class FilterCase:
    """A question, the filters that it asks for, and the documents that answer it.

    `expected` holds (field, value) pairs; several values of one field are alternatives.
    """

    query: str
    expected: frozenset[Restriction]
    relevant: Sequence[str] = ()


def read_cases(path: Path) -> list[FilterCase]:
    """Returns the cases of a JSONL: `query`, `expected_filter`, and `relevant` ids if known.

    `expected_filter` has any of `author`, `author_any` (a list), `year`, `platform`, `category`.

    Raises:
        InvalidInput: the file is missing or empty, or a line is malformed (named with its number).
    """
    cases = [_case(read_object(line, at), at) for line, at in read_lines(path)]
    if not cases:
        raise InvalidInput(f"{path}: empty")
    return cases


def _case(record: Mapping[str, Any], at: str) -> FilterCase:
    query, expected = record.get("query"), record.get("expected_filter") or {}
    if not isinstance(query, str) or not query.strip():
        raise InvalidInput(f"{at}: no query")
    if not isinstance(expected, dict):
        raise InvalidInput(f"{at}: expected_filter is not an object")
    relevant = record.get("relevant") or []
    if not isinstance(relevant, list):
        raise InvalidInput(f"{at}: relevant is not a list of ids")
    unknown = set(expected) - set(FIELDS)
    if unknown:
        raise InvalidInput(f"{at}: unknown filter {min(unknown)!r} (known: {', '.join(FIELDS)})")
    wanted = frozenset(
        (name.removesuffix("_any"), str(value))
        for name, given in expected.items()
        for value in (given if isinstance(given, list) else [given])
        if value is not None
    )
    return FilterCase(query, wanted, list(map(str, relevant)))


def evaluate_self_query(
    cases: Sequence[FilterCase],
    read: Callable[[Query], SelfQueryResult],
    searcher: Searcher,
    on_done: Callable[[int], None] = lambda _: None,
    document_of: Callable[[str], UUID] = collection_document_id,
) -> SelfQueryReport:
    """Returns how often `read` finds exactly the expected filters, and what that does for search.

    Args:
        cases: at least one.
        read: the self-query under test.
        searcher: the whole flow, self-query included.
        on_done: hears how many more cases are done.
        document_of: gives the document of a relevant id.
    """
    found: list[frozenset[Restriction]] = []
    asked: list[bool] = []
    recalls: list[float] = []
    for case in cases:
        result = read(Query(text=case.query))
        found.append(restrictions(result.filters))
        asked.append(result.asked_model)
        if case.relevant and _authors(case.expected):
            recalls.append(_recall(case, searcher, document_of))
        on_done(1)
    pairs = [(_comparable(c.expected), _comparable(f)) for c, f in zip(cases, found, strict=True)]
    authors = [(_authors(w), _authors(f)) for w, f in pairs if _authors(w)]
    free = [f for w, f in pairs if not w]
    return SelfQueryReport(
        questions=len(cases),
        with_author=len(authors),
        without_filter=len(free),
        exact=fmean(w == f for w, f in pairs),
        author_exact=fmean(w == f for w, f in authors) if authors else 0.0,
        invented=fmean(bool(f) for f in free) if free else 0.0,
        recall_at_10=fmean(recalls) if recalls else None,
        without_model=fmean(not one for one in asked),
        misses=tuple(
            SelfQueryMiss(query=case.query, expected=_shown(case.expected), found=_shown(got))
            for case, got, (w, f) in zip(cases, found, pairs, strict=True)
            if w != f
        ),
    )


def restrictions(filters: SearchFilters) -> frozenset[Restriction]:
    """Returns filters as (field, value) pairs named as in `expected_filter`."""
    start, end = filters.published_from, filters.published_to
    return frozenset(
        [
            *(("author", name) for name in filters.authors),
            *(("platform", name) for name in filters.platforms),
            *(("category", name.value) for name in filters.categories),
            *([("year", _years(start, end))] if start or end else []),
        ]
    )


def _years(start: datetime | None, end: datetime | None) -> str:
    """Returns the year, if it is exactly one whole year, else the span."""
    if (
        start
        and end
        and start.year == end.year
        and (start.month, start.day, end.month, end.day) == _WHOLE_YEAR
    ):
        return str(start.year)
    return f"{start or ''} to {end or ''}"


def _comparable(pairs: Iterable[Restriction]) -> frozenset[Restriction]:
    return frozenset(
        (name, parsed_name(value).key if name == "author" else value.casefold())
        for name, value in pairs
    )


def _authors(pairs: Iterable[Restriction]) -> frozenset[str]:
    return frozenset(value for name, value in pairs if name == "author")


def _recall(case: FilterCase, searcher: Searcher, document_of: Callable[[str], UUID]) -> float:
    passages = searcher.retrieve(Query(text=case.query), DEPTH).passages
    ranking = list(dict.fromkeys(str(found.chunk.document_id) for found in passages))
    return recall(ranking, {str(document_of(name)): 1 for name in case.relevant}, 10)


def _shown(pairs: Iterable[Restriction]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(pairs)) or "none"
