"""Two processes on one crawl, and visits that lose their lease: nothing twice, nothing lost."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest

from llm_engineering.application.crawling.dispatcher import CrawlerDispatcher, Route, any_link
from llm_engineering.application.crawling.engine import CrawlEngine
from llm_engineering.application.crawling.outcome import EtlReport
from llm_engineering.application.crawling.proposing import Proposer
from llm_engineering.application.crawling.visiting import (
    MOST_LEASES,
    CrawlState,
    Surroundings,
    Visit,
)
from llm_engineering.application.ports.crawling import Finding, Link, Target
from llm_engineering.application.ports.frontier import Lease, Proposal, Round
from llm_engineering.domain.documents import Document
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.types import SaveOutcome
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.frontier import InMemoryFrontier
from tests.unit.application.crawling.scripted_crawls import (
    HOME,
    NOON,
    ScriptedCrawl,
    ScriptedCrawler,
    ScriptedRobots,
    links,
    page,
)

LINK = Link(url=HOME, depth=2, max_pages=100)
LEAVES = [f"{HOME}{n}" for n in range(12)]


def site() -> dict[str, Sequence[Finding]]:
    return {HOME: [page(HOME), *links(*LEAVES)]}


def beside(crawl: ScriptedCrawl, lease_s: float = 15.0) -> CrawlEngine:
    """Returns the engine of another process on the same stores."""
    return CrawlEngine(
        CrawlerDispatcher([Route("page", any_link, crawl.crawler, complete=True)]),
        ScriptedRobots(),
        crawl.store,
        CrawlState(crawl.frontier, crawl.memory, crawl.letters),
        crawl.limits,
        lambda: NOON,
        lease_s=lease_s,
    )


def test_two_that_crawl_the_same_share_the_work() -> None:
    crawl = ScriptedCrawl(site(), concurrency=2, per_host=2)
    other, together = beside(crawl), Barrier(2)

    def run(engine: CrawlEngine) -> EtlReport:
        together.wait(10)
        return engine.run([LINK], lambda _: None)

    with ThreadPoolExecutor(2) as threads:
        reports = list(threads.map(run, (crawl.engine, other)))
    assert sorted(crawl.crawler.urls) == sorted([HOME, *LEAVES])
    assert sum(row.new for report in reports for row in report.rows) == 1 + len(LEAVES)
    assert crawl.stored == {"/", *(f"/{n}" for n in range(12))}
    assert all(report.ok for report in reports)


def test_one_that_stopped_in_the_middle_leaves_the_rest_to_the_next() -> None:
    scripts = site()
    crawl = ScriptedCrawl(scripts)

    def broken(_: Target) -> list[Finding]:
        raise StoreUnavailable("gone")

    crawl.crawler.scripts[LEAVES[5]] = broken
    with pytest.raises(StoreUnavailable):
        crawl.run(LINK)
    before = list(crawl.crawler.urls)
    crawl.crawler.scripts[LEAVES[5]] = [page(LEAVES[5])]
    assert crawl.run(LINK) == {"new": 1 + len(LEAVES) - (len(before) - 1)}
    again = crawl.crawler.urls[len(before) :]
    assert set(again).isdisjoint(set(before) - {LEAVES[5]}), "what was done is not done again"
    assert crawl.stored == {"/", *(f"/{n}" for n in range(12))}


def visit_of(crawl: ScriptedCrawl, crawler: ScriptedCrawler, leases: int = 1) -> Visit:
    """Returns the visit of a start that was leased so many times."""
    round_ = crawl.frontier.begin("crawl", timedelta(days=7))
    target = Target(url=HOME, depth=0)
    crawl.frontier.propose(round_, [Proposal(link=0, target=target, position="0")])
    crawl.frontier.advance(round_, 0, 1)
    for _ in range(leases - 1):
        assert crawl.frontier.lease(round_, 1, -1.0, ())
    (lease,) = crawl.frontier.lease(round_, 1, 60.0, ())
    around = Surroundings(
        dispatcher=CrawlerDispatcher([Route("page", any_link, crawler, complete=True)]),
        robots=ScriptedRobots(),
        store=crawl.store,
        state=CrawlState(crawl.frontier, crawl.memory, crawl.letters),
        clock=lambda: NOON,
        round_=round_,
        links=[Link(url=HOME)],
        lists_all=[False],
        proposer=Proposer(crawl.frontier, round_),
    )
    return Visit(lease, None, around)


@pytest.mark.parametrize(("leases", "given_up"), [(1, False), (MOST_LEASES, False), (6, True)])
def test_what_kills_its_worker_each_time_is_given_up(leases: int, given_up: bool) -> None:
    crawl, crawler = ScriptedCrawl({}), ScriptedCrawler({})
    report = visit_of(crawl, crawler, leases).run()
    assert crawler.urls == ([] if given_up else [HOME])
    letters = [letter.reason for letter in crawl.letters.all()]
    assert letters == (["given up: 5 visits had no end"] if given_up else [])
    assert report.tally.total == 1


def test_a_visit_that_lost_its_lease_counts_nothing_and_closes_its_page() -> None:
    crawl = ScriptedCrawl({})
    crawler = ScriptedCrawler({HOME: [page(HOME), page(f"{HOME}2")]})
    visit = visit_of(crawl, crawler)
    visit.lost.set()
    assert visit.run().tally.total == 0
    assert crawl.stored == set()
    assert crawler.closed == len(crawler.urls)
    assert crawl.letters.all() == []
    assert crawl.memory.recall([HOME]) == {}


def test_a_visit_that_loses_its_lease_on_the_way_keeps_what_it_stored() -> None:
    lost: list[Event] = []

    class Stealing(InMemoryDocumentStore):
        def save(self, document: Document) -> SaveOutcome:
            outcome = super().save(document)
            lost[0].set()
            return outcome

    crawl = ScriptedCrawl({}, store=Stealing())
    crawler = ScriptedCrawler({HOME: [page(HOME), page(f"{HOME}2")]})
    visit = visit_of(crawl, crawler)
    lost.append(visit.lost)
    assert visit.run().tally.total == 0, "who has the lease now counts it"
    assert crawl.stored == {"/"}


def test_a_slow_page_is_kept_by_renewing_its_lease() -> None:
    """The lease is much shorter than the visit, and nobody else gets it."""
    renewed = Event()

    class Watched(InMemoryFrontier):
        def renew(self, round_: Round, leases: Sequence[Lease], for_s: float) -> Sequence[Lease]:
            renewed.set()
            return super().renew(round_, leases, for_s)

    def waits(_: Target) -> list[Finding]:
        assert renewed.wait(20)
        return [page(HOME)]

    crawl = ScriptedCrawl({HOME: waits})
    crawl.frontier = Watched(lambda: NOON)
    report = beside(crawl, lease_s=0.05).run([Link(url=HOME)], lambda _: None)
    assert [row.new for row in report.rows] == [1]
    assert crawl.crawler.urls == [HOME]
