from datetime import UTC, datetime
from pathlib import Path

import pytest

from llm_engineering.application.evaluation.collection import collection_document_id, collection_url
from llm_engineering.application.evaluation.self_query import (
    FilterCase,
    evaluate_self_query,
    read_cases,
    restrictions,
)
from llm_engineering.application.rag.self_query import SelfQueryResult
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import Query, Retrieval, ScoredChunk, SearchFilters
from llm_engineering.domain.types import DataCategory
from tests.builders import make_chunk

YEAR = {
    "published_from": datetime(1974, 1, 1, tzinfo=UTC),
    "published_to": datetime(1974, 12, 31, 23, 59, tzinfo=UTC),
}
BY_HOPPER = FilterCase("by Hopper", frozenset({("author", "Hopper, G.")}), ["d1", "d2"])
FREE = FilterCase("about tides", frozenset(), ["d9"])


class Shelf:
    """Finds document d1 for every question."""

    def retrieve(self, query: Query, k: int | None = None) -> Retrieval:
        assert collection_document_id("d1") == make_chunk(url=collection_url("d1")).document_id
        return Retrieval(
            passages=(ScoredChunk(chunk=make_chunk(url=collection_url("d1")), scores={"f": 1.0}),)
        )


def reading(*filters: SearchFilters, asked: bool = False) -> list[SelfQueryResult]:
    return [SelfQueryResult(one, asked_model=asked) for one in filters]


def test_an_author_counts_however_the_name_is_spelled() -> None:
    answers = iter(reading(SearchFilters(authors=("G. HOPPER",)), SearchFilters()))
    report = evaluate_self_query([BY_HOPPER, FREE], lambda _: next(answers), Shelf())
    assert (report.questions, report.with_author, report.without_filter) == (2, 1, 1)
    assert (report.exact, report.author_exact, report.invented) == (1.0, 1.0, 0.0)
    assert report.recall_at_10 == 0.5
    assert report.without_model == 1.0
    assert report.misses == ()


def test_what_is_missing_wrong_or_invented_is_counted_and_shown() -> None:
    wrong = SearchFilters(authors=("Ada Lovelace",))
    answers = iter(reading(wrong, wrong, asked=True))
    report = evaluate_self_query([BY_HOPPER, FREE], lambda _: next(answers), Shelf())
    assert (report.exact, report.author_exact, report.invented) == (0.0, 0.0, 1.0)
    assert report.without_model == 0.0
    assert [(one.expected, one.found) for one in report.misses] == [
        ("author Hopper, G.", "author Ada Lovelace"),
        ("none", "author Ada Lovelace"),
    ]


def test_a_superfluous_year_spoils_the_whole_but_not_the_author() -> None:
    filters = SearchFilters(authors=("Hopper, G.",), **YEAR)
    report = evaluate_self_query([BY_HOPPER], lambda _: SelfQueryResult(filters), Shelf())
    assert (report.exact, report.author_exact) == (0.0, 1.0)


def test_filters_have_the_names_of_the_file() -> None:
    filters = SearchFilters(
        authors=("A", "B"), platforms=("github",), categories=(DataCategory.POSTS,), **YEAR
    )
    assert restrictions(filters) == {
        ("author", "A"),
        ("author", "B"),
        ("platform", "github"),
        ("category", "posts"),
        ("year", "1974"),
    }
    since = SearchFilters(published_from=YEAR["published_from"])
    ((name, value),) = restrictions(since)
    assert name == "year"
    assert value.startswith("1974-01-01")


@pytest.mark.parametrize(
    ("start", "end", "whole"),
    [
        ((1974, 1, 1), (1974, 12, 31), True),
        ((1974, 1, 2), (1974, 12, 31), False),
        ((1974, 1, 1), (1974, 12, 30), False),
        ((1974, 2, 1), (1974, 12, 31), False),
        ((1974, 1, 1), (1974, 11, 30), False),
        ((1974, 1, 1), (1975, 12, 31), False),
    ],
)
def test_a_year_is_a_whole_one(
    start: tuple[int, int, int], end: tuple[int, int, int], whole: bool
) -> None:
    filters = SearchFilters(
        published_from=datetime(*start, tzinfo=UTC), published_to=datetime(*end, tzinfo=UTC)
    )
    ((_, value),) = restrictions(filters)
    assert (value == "1974") is whole


def test_without_any_author_or_free_question_nothing_is_divided_by_them() -> None:
    by_platform = FilterCase("on github", frozenset({("platform", "github")}), ["d1"])
    found = SelfQueryResult(SearchFilters(platforms=("GitHub",)))
    report = evaluate_self_query([by_platform], lambda _: found, Shelf())
    assert (report.exact, report.author_exact, report.invented) == (1.0, 0.0, 0.0)
    assert report.recall_at_10 is None
    assert (report.with_author, report.without_filter) == (0, 0)


def test_progress_hears_every_case() -> None:
    done: list[int] = []
    empty = SelfQueryResult(SearchFilters())
    evaluate_self_query([FREE] * 3, lambda _: empty, Shelf(), done.append)
    assert done == [1, 1, 1]


def test_cases_are_read(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(
        '{"query": "by A in 1974", "expected_filter": {"author": "A", "year": 1974}}\n'
        '{"query": "by A or B", "expected_filter": {"author_any": ["A", "B"]}, "relevant": [7]}\n'
        '{"query": "tides", "expected_filter": null}\n',
        "utf-8",
    )
    first, second, third = read_cases(path)
    assert first.expected == {("author", "A"), ("year", "1974")}
    assert second.expected == {("author", "A"), ("author", "B")}
    assert second.relevant == ["7"]
    assert third.expected == frozenset()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("{}\n", "line 1: no query"),
        ('{"query": "x"}\n{"query": "x", "expected_filter": [1]}\n', "line 2: expected_filter"),
        ('{"query": "x", "expected_filter": {"colour": 1}}\n', "line 1: unknown filter 'colour'"),
        ("nonsense\n", "line 1: not JSON"),
        ('{"query": "x", "relevant": "d1"}\n', "line 1: relevant is not a list of ids"),
        ('{"query": "x\\ud800"}\n', "line 1: not JSON"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(InvalidInput, match=message):
        read_cases(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        read_cases(tmp_path / "nothing.jsonl")
