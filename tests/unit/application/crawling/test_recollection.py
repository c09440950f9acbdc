"""What of an earlier visit still holds: only what the page alone decides."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from llm_engineering.application.crawling.recollection import (
    MOST_TARGETS,
    context_of,
    is_fresh,
    memory_of,
    remembered_targets,
    renewed,
    unfinished,
    usable,
)
from llm_engineering.application.ports.crawling import Target, Validators, Visited
from llm_engineering.application.ports.frontier import PageMemory

URL = "https://a.org/page"
MAY = datetime(2026, 5, 1, tzinfo=UTC)
TARGET = Target(url=URL, author="Ada Lovelace", depth=2, max_pages=10, modified=MAY)
VALIDATORS = Validators(etag='"v1"', last_modified="Fri, 01 May 2026 00:00:00 GMT")
VISITED = Visited(url=URL, validators=VALIDATORS)
FOUND = [Target(url=f"{URL}/{n}", depth=n) for n in range(4)]


def memory(**fields: object) -> PageMemory:
    kept = memory_of(TARGET, VISITED, [UUID(int=1), UUID(int=2)], FOUND, "https://a.org/sm.xml")
    return kept.model_copy(update=fields)


def test_what_is_kept_of_a_visit() -> None:
    kept = memory()
    assert (kept.url, kept.validators, kept.modified) == (URL, VALIDATORS, MAY)
    assert kept.documents == (UUID(int=1), UUID(int=2))
    assert kept.targets == tuple(FOUND)
    assert kept.listed_by == "https://a.org/sm.xml"
    assert kept.missing == 0


def test_it_is_used_again_for_the_same_target() -> None:
    assert usable(memory(), TARGET) == memory()
    assert usable(None, TARGET) is None


@pytest.mark.parametrize(
    "change",
    [
        {"author": "Grace Hopper"},
        {"author": None},
        {"title": "Another title"},
        {"published": MAY},
        {"via": "browser"},
        {"depth": 3},
        {"max_pages": 11},
    ],
)
def test_a_target_that_says_something_else_is_read_anew(change: dict[str, object]) -> None:
    changed = TARGET.model_copy(update=change)
    assert context_of(changed) != context_of(TARGET)
    assert usable(memory(), changed) is None


@pytest.mark.parametrize(
    "change", [{"found_on": "https://a.org/"}, {"modified": None}, {"listed": True}]
)
def test_where_a_target_was_found_changes_nothing(change: dict[str, object]) -> None:
    assert usable(memory(), TARGET.model_copy(update=change)) == memory()


@pytest.mark.parametrize(("count", "kept"), [(MOST_TARGETS, True), (MOST_TARGETS + 1, False)])
def test_a_page_that_names_too_much_is_always_read_anew(count: int, kept: bool) -> None:
    many = [Target(url=f"{URL}/{n}") for n in range(count)]
    known = memory_of(TARGET, VISITED, [], many, None)
    assert (usable(known, TARGET) is not None) is kept


def test_a_visit_that_lacks_something_is_asked_for_without_condition() -> None:
    kept = unfinished(memory())
    assert usable(kept, TARGET) is None
    assert kept.validators == Validators()
    assert kept.documents == memory().documents, "they are not gone"


@pytest.mark.parametrize(
    ("listed", "known", "fresh"),
    [
        (MAY, MAY, True),
        (MAY - timedelta(days=1), MAY, True),
        (MAY + timedelta(seconds=1), MAY, False),
        (None, MAY, False),
        (MAY, None, False),
        (None, None, False),
    ],
)
def test_a_list_may_say_that_nothing_changed(
    listed: datetime | None, known: datetime | None, fresh: bool
) -> None:
    target = TARGET.model_copy(update={"modified": listed})
    assert is_fresh(memory(modified=known), target) is fresh
    assert not is_fresh(None, target)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (None, VALIDATORS),
        (Validators(), VALIDATORS),
        (Validators(etag='"v2"'), VALIDATORS.model_copy(update={"etag": '"v2"'})),
    ],
)
def test_an_unchanged_page_keeps_the_validators_that_were_not_sent_again(
    sent: Validators | None, kept: Validators
) -> None:
    later = TARGET.model_copy(update={"modified": MAY + timedelta(days=2)})
    page = renewed(memory(missing=2), later, sent)
    assert page.validators == kept
    assert (page.missing, page.modified) == (0, MAY + timedelta(days=2))
    assert page.targets == tuple(FOUND)


def test_a_list_without_dates_takes_none_away() -> None:
    undated = TARGET.model_copy(update={"modified": None})
    assert renewed(memory(), undated, None).modified == MAY


@pytest.mark.parametrize(("depth", "depths"), [(0, [0, 0, 0, 0]), (2, [0, 1, 2, 2])])
def test_remembered_links_go_no_further_than_the_target_does(depth: int, depths: list[int]) -> None:
    nearer = TARGET.model_copy(update={"depth": depth})
    assert [one.depth for one in remembered_targets(memory(), nearer)] == depths
    assert list(remembered_targets(memory(targets=None), nearer)) == []
