"""What every Frontier does: the stand-in and MongoDB, word for word the same."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from llm_engineering.application.ports.crawling import Target
from llm_engineering.application.ports.frontier import (
    Advance,
    Frontier,
    Lease,
    Proposal,
    Round,
    VisitState,
)
from llm_engineering.infrastructure.in_memory.frontier import InMemoryFrontier

WEEK = timedelta(days=7)
DONE, FAILED, COPY = VisitState.DONE, VisitState.FAILED, VisitState.COPY
SITE = "https://a.org/"


@pytest.fixture(params=["in_memory", "mongo"])
def frontier(request: pytest.FixtureRequest) -> Frontier:
    if request.param == "in_memory":
        return InMemoryFrontier()
    from llm_engineering.infrastructure.mongo.frontier import MongoFrontier

    return MongoFrontier(request.getfixturevalue("mongo_database"))


def proposal(name: str, position: int = 0, level: int = 0, link: int = 0) -> Proposal:
    url = name if "://" in name else f"{SITE}{name}"
    return Proposal(
        link=link, target=Target(url=url, depth=1), level=level, position=f"{position:04d}"
    )


def begun(frontier: Frontier, *names: str) -> Round:
    """Returns a round with those targets ready on level 0."""
    round_ = frontier.begin("crawl", WEEK)
    frontier.propose(round_, [proposal(name, n) for n, name in enumerate(names)])
    frontier.advance(round_, 0, 1000)
    return round_


def names(leases: Sequence[Lease]) -> list[str]:
    return [lease.target.url.removeprefix(SITE) for lease in leases]


def end_all(frontier: Frontier, round_: Round) -> list[str]:
    """Completes whatever can be leased; returns it in its order."""
    ended: list[str] = []
    while leases := frontier.lease(round_, 10, 60):
        for lease in leases:
            assert frontier.complete(round_, lease, DONE)
        ended += names(leases)
    return ended


def test_a_round_goes_on_until_it_is_finished(frontier: Frontier) -> None:
    first = frontier.begin("crawl", WEEK)
    assert (first.number, first.resumed) == (1, False)
    again = frontier.begin("crawl", WEEK)
    assert (again.number, again.resumed) == (1, True)
    assert frontier.begin("another", WEEK).number == 1
    assert frontier.finish(first)
    assert not frontier.finish(again), "it has ended already"
    second = frontier.begin("crawl", WEEK)
    assert (second.number, second.resumed) == (2, False)
    assert not frontier.finish(first), "an old round ends no new one"


def test_a_round_that_nobody_touched_for_long_is_given_up(frontier: Frontier) -> None:
    old = begun(frontier, "a")
    new = frontier.begin("crawl", timedelta(seconds=-1))
    assert (new.number, new.resumed) == (2, False)
    assert not frontier.lease(old, 10, 60)
    assert not frontier.known(old, 0, [f"{SITE}a"])


def test_targets_come_back_whole_and_in_order(frontier: Frontier) -> None:
    round_ = frontier.begin("crawl", WEEK)
    whole = Target.model_validate(
        {
            **{"url": f"{SITE}x", "author": "Ada", "depth": 3, "max_pages": 7, "listed": True},
            **{"found_on": SITE, "title": "Tides", "published": "2026-01-01T00:00:00+03:30"},
            **{"modified": "2026-02-01T00:00:00Z", "via": "feed"},
        }
    )
    frontier.propose(round_, [proposal("b", 2), proposal("a", 1)])
    frontier.propose(round_, [Proposal(link=0, target=whole, position="0003")])
    assert not frontier.lease(round_, 10, 60), "the level has not begun"
    assert frontier.advance(round_, 0, 1000) is Advance.MOVED
    leases = frontier.lease(round_, 10, 60)
    assert names(leases) == ["a", "b", "x"]
    assert leases[2].target == whole
    assert [(one.level, one.rank, one.token) for one in leases] == [(0, 0, 1), (0, 1, 1), (0, 2, 1)]
    assert not leases[0].original_failed


def test_a_target_is_there_once_at_its_first_level_and_earliest_place(frontier: Frontier) -> None:
    round_ = begun(frontier, "home")
    frontier.propose(round_, [proposal("a", 5, 1), proposal("b", 3, 1), proposal("home", 0, 1)])
    frontier.propose(round_, [proposal("a", 1, 1), proposal("b", 9, 1)])
    assert end_all(frontier, round_) == ["home"]
    frontier.propose(round_, [proposal("b", 0, 2)])
    assert frontier.advance(round_, 0, 1000) is Advance.MOVED
    assert end_all(frontier, round_) == ["a", "b"]
    assert frontier.advance(round_, 0, 1000) is Advance.FINISHED


def test_a_level_waits_for_the_end_of_the_one_before(frontier: Frontier) -> None:
    round_ = begun(frontier, "home")
    frontier.propose(round_, [proposal("a", 0, 1)])
    assert frontier.advance(round_, 0, 1000) is Advance.OPEN
    (lease,) = frontier.lease(round_, 10, 60)
    assert frontier.advance(round_, 0, 1000) is Advance.OPEN
    assert set(frontier.open_links(round_)) == {0}
    frontier.complete(round_, lease, FAILED)
    assert not frontier.open_links(round_)
    assert frontier.advance(round_, 0, 1000) is Advance.MOVED
    assert frontier.advance(round_, 0, 1000) is Advance.OPEN


def test_the_page_limit_counts_all_levels_but_no_lists(frontier: Frontier) -> None:
    round_ = begun(frontier, "feed")
    frontier.propose(round_, [proposal(f"{n}", n, 1) for n in range(9)])
    (lease,) = frontier.lease(round_, 1, 60)
    frontier.complete(round_, lease, DONE, lists=True)
    frontier.advance(round_, 0, 3)
    assert end_all(frontier, round_) == ["0", "1", "2"]
    frontier.propose(round_, [proposal("deeper", 0, 2)])
    assert frontier.advance(round_, 0, 3) is Advance.FINISHED
    assert set(frontier.known(round_, 0, [f"{SITE}8", f"{SITE}9"])) == {f"{SITE}8"}


def test_links_have_targets_of_their_own(frontier: Frontier) -> None:
    round_ = frontier.begin("crawl", WEEK)
    frontier.propose(round_, [proposal("a", link=0), proposal("a", link=1), proposal("b", link=1)])
    frontier.advance(round_, 1, 1000)
    assert set(frontier.open_links(round_)) == {1}
    assert [one.link for one in frontier.lease(round_, 10, 60)] == [1, 1]
    assert not frontier.known(round_, 0, [f"{SITE}b"])


def test_nobody_else_gets_a_leased_target_until_the_lease_ends(frontier: Frontier) -> None:
    round_ = begun(frontier, "a", "b")
    (first,) = frontier.lease(round_, 1, 60)
    assert names(frontier.lease(round_, 10, 60)) == ["b"]
    assert not frontier.lease(round_, 10, 60)
    (again,) = frontier.renew(round_, [first], -1)
    assert again == first
    (taken,) = frontier.lease(round_, 10, 60)
    assert (taken.target, taken.token) == (first.target, 2)


def test_who_lost_a_lease_can_do_nothing_with_it(frontier: Frontier) -> None:
    round_ = begun(frontier, "a")
    (lost,) = frontier.lease(round_, 1, -1)
    (held,) = frontier.lease(round_, 1, 60)
    assert not frontier.complete(round_, lost, DONE)
    frontier.release(round_, [lost])
    assert list(frontier.renew(round_, [lost, held], 60)) == [held]
    assert frontier.complete(round_, held, DONE)
    assert not frontier.complete(round_, held, FAILED), "it has ended"
    assert not frontier.lease(round_, 1, 60)


def test_what_is_given_back_is_leased_at_once(frontier: Frontier) -> None:
    round_ = begun(frontier, "a")
    (first,) = frontier.lease(round_, 1, 60)
    frontier.release(round_, [first])
    (second,) = frontier.lease(round_, 1, 60)
    assert second.token > first.token
    frontier.release(round_, [])
    assert list(frontier.renew(round_, [], 60)) == []


def test_hosts_can_be_passed_over(frontier: Frontier) -> None:
    round_ = begun(frontier, "a", "https://b.org:8080/x")
    assert names(frontier.lease(round_, 10, 60, {"a.org", "b.org"})) == ["https://b.org:8080/x"]
    assert not frontier.lease(round_, 10, 60, ["a.org"])
    assert names(frontier.lease(round_, 10, 60)) == ["a"]


def test_many_workers_never_hold_the_same_target(frontier: Frontier) -> None:
    round_ = begun(frontier, *(f"{n}" for n in range(60)))

    def work(_: int) -> list[str]:
        mine: list[str] = []
        while leases := frontier.lease(round_, 3, 60):
            mine += names(leases)
        return mine

    with ThreadPoolExecutor(6) as pool:
        found = [name for mine in pool.map(work, range(6)) for name in mine]
    assert sorted(found, key=int) == [f"{n}" for n in range(60)]


def test_nobody_takes_a_link_for_finished_that_another_moves_on(frontier: Frontier) -> None:
    """Processes that see the end of a level in the same moment: one moves on, none gives up."""
    with ThreadPoolExecutor(4) as pool:
        for number in range(25):
            round_ = frontier.begin(f"crawl {number}", WEEK)
            frontier.propose(round_, [proposal("home")])
            frontier.advance(round_, 0, 1000)
            (home,) = frontier.lease(round_, 1, 60)
            frontier.propose(round_, [proposal("next", level=1)])
            frontier.complete(round_, home, DONE)
            steps = list(pool.map(lambda r: frontier.advance(r, 0, 1000), [round_] * 4))
            assert Advance.FINISHED not in steps
            assert Advance.MOVED in steps
            assert end_all(frontier, round_) == ["next"]
            assert frontier.advance(round_, 0, 1000) is Advance.FINISHED


def test_a_document_belongs_to_who_claims_it_first(frontier: Frontier) -> None:
    round_ = begun(frontier, "a", "b")
    frontier.propose(round_, [proposal("waiting", 0, 1)])
    a, b = frontier.lease(round_, 2, 60)
    assert frontier.claim(round_, a, f"{SITE}x")
    assert frontier.claim(round_, a, f"{SITE}x"), "it may claim again after a crash"
    assert not frontier.claim(round_, b, f"{SITE}x")
    assert not frontier.claim(round_, b, f"{SITE}a"), "a target of its own"
    assert not frontier.claim(round_, b, f"{SITE}waiting")
    frontier.propose(round_, [proposal("x", 0, 1)])
    for lease in (a, b):
        frontier.complete(round_, lease, DONE)
    frontier.advance(round_, 0, 3)
    assert end_all(frontier, round_) == ["waiting"], "claimed documents are no pages to visit"


def test_copies_get_their_turn_when_the_original_failed(frontier: Frontier) -> None:
    round_ = begun(frontier, "good", "bad", "copy1", "copy2", "copy3")
    good, bad, *copies = frontier.lease(round_, 5, 60)
    frontier.complete(round_, good, DONE)
    frontier.complete(round_, bad, FAILED)
    for copy, original in zip(copies, ["good", "bad", "nowhere"], strict=True):
        frontier.complete(round_, copy, COPY, original=f"{SITE}{original}")
    assert frontier.advance(round_, 0, 1000) is Advance.MOVED
    leases = frontier.lease(round_, 5, 60)
    assert names(leases) == ["copy2", "copy3"]
    assert all(one.original_failed for one in leases)
    for one in leases:
        frontier.complete(round_, one, DONE)
    assert frontier.advance(round_, 0, 1000) is Advance.FINISHED


@pytest.mark.parametrize(
    ("ends", "whole"), [([DONE, DONE], True), ([DONE, FAILED], False), ([], False)]
)
def test_lists_are_whole_when_all_were_read(
    frontier: Frontier, ends: list[VisitState], whole: bool
) -> None:
    round_ = begun(frontier, "page", *(f"{n}" for n in range(len(ends))))
    page, *lists = frontier.lease(round_, 9, 60)
    frontier.complete(round_, page, FAILED)
    for lease, end in zip(lists, ends, strict=True):
        frontier.complete(round_, lease, end, lists=True)
    assert frontier.lists_whole(round_, 0) is whole


def test_a_dropped_round_holds_nothing(frontier: Frontier) -> None:
    round_ = begun(frontier, "a")
    other = frontier.begin("other", WEEK)
    frontier.propose(other, [proposal("a")])
    frontier.finish(round_)
    frontier.drop(round_)
    assert not frontier.known(round_, 0, [f"{SITE}a"])
    assert frontier.advance(round_, 0, 1000) is Advance.FINISHED
    assert frontier.known(other, 0, [f"{SITE}a"])
