"""The crawl: leases targets from the frontier, visits them in threads, until nothing is left."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime, timedelta

from llm_engineering.application.crawling.config import CrawlLimits
from llm_engineering.application.crawling.dispatcher import CrawlerDispatcher, Route
from llm_engineering.application.crawling.outcome import EtlReport, OutcomeTally
from llm_engineering.application.crawling.politeness import HostSchedule
from llm_engineering.application.crawling.proposing import Proposer
from llm_engineering.application.crawling.sites import host_of, start_of
from llm_engineering.application.crawling.sweeping import sweep
from llm_engineering.application.crawling.visiting import (
    CrawlState,
    Surroundings,
    Visit,
    VisitReport,
)
from llm_engineering.application.ports.crawling import Link, RobotsRules, Target
from llm_engineering.application.ports.frontier import (
    Advance,
    DeadLetter,
    Lease,
    Proposal,
    Round,
)
from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.domain.errors import ConfigurationError, InvalidInput, StoreUnavailable
from llm_engineering.domain.ids import fingerprint

RESUME_WITHIN = timedelta(days=7)  # an unfinished round that nobody touched for longer is left
Advanced = Callable[[int], None]


class CrawlEngine:
    """Crawls links into a document store. Several processes may run the same crawl together.

    Args:
        dispatcher: knows the crawlers.
        robots: knows the rules of sites.
        store: takes the documents.
        state: the frontier, the memory of pages, the dead letters.
        limits: how much at a time, and how fast.
        clock: the present time.
        monotonic: a clock in seconds.
        lease_s: how long a target stays with a worker that does not renew; the time that others
            wait for what a killed process had under way.
    """

    def __init__(
        self,
        dispatcher: CrawlerDispatcher,
        robots: RobotsRules,
        store: DocumentStore,
        state: CrawlState,
        limits: CrawlLimits,
        clock: Callable[[], datetime],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        lease_s: float = 15.0,
    ) -> None:
        self._dispatcher = dispatcher
        self._robots = robots
        self._store = store
        self._state = state
        self._limits = limits
        self._clock = clock
        self._monotonic = monotonic
        self._lease_s = lease_s

    def run(self, links: Sequence[Link], advance: Advanced) -> EtlReport:
        """Crawls the links; goes on where an earlier run of the same links was cut off.

        Args:
            links: where to begin.
            advance: told how many documents and failures there are more.

        Returns:
            What this call did, link by link.

        Raises:
            InvalidInput: a link is of no kind that can be crawled; nothing was fetched then.
            StoreUnavailable: a store cannot be reached; what was stored is kept.
        """
        starts = [start_of(link) for link in links]
        name = fingerprint("crawl", *(link.model_dump_json() for link in links))
        return self._crawl(name, links, list(enumerate(starts)), advance)

    def retry(self, letters: Sequence[DeadLetter], advance: Advanced) -> EtlReport:
        """Visits again what failed; raises as `run`."""
        links = list(dict.fromkeys(letter.link for letter in letters))
        targets = dict.fromkeys((links.index(one.link), one.target) for one in letters)
        name = fingerprint("retry", *(target.url for _, target in targets))
        room = [
            link.model_copy(update={"max_pages": link.max_pages + len(targets)}) for link in links
        ]
        return self._crawl(name, room, list(targets), advance)

    def _crawl(
        self,
        name: str,
        links: Sequence[Link],
        starts: Sequence[tuple[int, Target]],
        advance: Advanced,
    ) -> EtlReport:
        routes = [self._dispatcher.route_of(target) for _, target in starts]
        lists_all = [
            all(route.complete for (of, _), route in zip(starts, routes, strict=True) if of == link)
            for link in range(len(links))
        ]
        frontier = self._state.frontier
        round_ = frontier.begin(name, RESUME_WITHIN)
        frontier.propose(
            round_,
            [
                Proposal(link=link, target=target, position=f"{place:010d}")
                for place, (link, target) in enumerate(starts)
            ],
        )
        around = Surroundings(
            dispatcher=self._dispatcher,
            robots=self._robots,
            store=self._store,
            state=self._state,
            clock=self._clock,
            round_=round_,
            links=links,
            lists_all=lists_all,
            proposer=Proposer(frontier, round_),
        )
        run = _Run(around, self._limits, self._monotonic, self._lease_s, advance)
        run.work()
        if frontier.finish(round_):
            self._sweep(round_, links, lists_all, run.tallies)
            frontier.drop(round_)
        return EtlReport(rows=tuple(tally.outcome() for tally in run.tallies))

    def _sweep(
        self,
        round_: Round,
        links: Sequence[Link],
        lists_all: Sequence[bool],
        tallies: Sequence[OutcomeTally],
    ) -> None:
        for number, (link, tally) in enumerate(zip(links, tallies, strict=True)):
            if lists_all[number] and self._state.frontier.lists_whole(round_, number):
                runs = self._limits.missing_runs
                found = (round_, number, link.url, runs, self._clock())
                tally.gone(sweep(self._state.frontier, self._state.memory, self._store, *found))


class _Run:
    """The thread that gives out the work of one round, and the pool that does it."""

    def __init__(
        self,
        around: Surroundings,
        limits: CrawlLimits,
        monotonic: Callable[[], float],
        lease_s: float,
        advance: Advanced,
    ) -> None:
        self.tallies = [OutcomeTally(link.url) for link in around.links]
        self._around = around
        self._frontier = around.state.frontier
        self._concurrency = limits.concurrency
        self._monotonic = monotonic
        self._lease_s = lease_s
        self._advance = advance
        self._hosts = HostSchedule(limits.per_host, limits.delay_s, monotonic)
        self._routes: Counter[str] = Counter()
        self._waiting: list[Visit] = []
        self._running: dict[Future[VisitReport], Visit] = {}
        self._finished: set[int] = set()
        self._renewed_at = monotonic()

    def work(self) -> None:
        """Returns when every link of the round is finished, whoever did the work."""
        pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix="crawl")
        try:
            while not self._all_done():
                self._renew()
                self._lease()
                self._start(pool)
                self._collect()
        finally:
            # who stops early does not wait for pages that do not answer
            pool.shutdown(wait=False, cancel_futures=True)
            self._give_back()

    def _all_done(self) -> bool:
        idle = not self._running and not self._waiting
        return idle and len(self._finished) == len(self.tallies)

    def _lease(self) -> None:
        """Fills the waiting list, and moves links on whose level has ended."""
        room = 2 * self._concurrency - len(self._waiting) - len(self._running)
        crowded = {_host(visit) for visit in self._waiting}
        while room > 0 and len(self._finished) < len(self.tallies):
            leases = self._frontier.lease(self._around.round_, room, self._lease_s, crowded)
            self._take(leases)
            room -= len(leases)
            if room > 0 and not self._moved_on():
                return

    def _take(self, leases: Sequence[Lease]) -> None:
        known = self._around.state.memory.recall([lease.target.url for lease in leases])
        self._waiting += [
            Visit(lease, known.get(lease.target.url), self._around) for lease in leases
        ]

    def _moved_on(self) -> bool:
        """Begins the next level of the links that nobody works on; returns whether there is one."""
        moved = False
        round_ = self._around.round_
        idle = set(range(len(self.tallies))) - self._finished
        for link in sorted(idle - set(self._frontier.open_links(round_))):
            step = self._frontier.advance(round_, link, self._around.links[link].max_pages)
            if step is Advance.FINISHED:
                self._finished.add(link)
            moved = moved or step is Advance.MOVED
        return moved

    def _start(self, pool: ThreadPoolExecutor) -> None:
        for visit in list(self._waiting):
            if len(self._running) >= self._concurrency:
                return
            host, route = _host(visit), self._route(visit)
            bound = route.at_once if route else None
            if bound is not None and route and self._routes[route.name] >= bound:
                continue
            if self._hosts.may_start(host):
                self._waiting.remove(visit)
                self._hosts.started(host)
                self._routes[route.name if route else ""] += 1
                self._running[pool.submit(visit.run)] = visit

    def _route(self, visit: Visit) -> Route | None:
        try:
            return self._around.dispatcher.route_of(visit.lease.target)
        except (InvalidInput, ConfigurationError):
            return None  # the visit itself reports it

    def _collect(self) -> None:
        """Waits until a visit ends or a host has rested, and counts what came."""
        pauses = [self._lease_s / 3]
        if len(self._running) < self._concurrency:
            waits = (self._hosts.wait_s(_host(visit)) for visit in self._waiting)
            pauses += [seconds for seconds in waits if seconds > 0]
        if not self._running:
            if not self._all_done():
                time.sleep(min(*pauses, _POLL_S))  # for a host to rest, or for other processes
            return
        done, _ = wait(self._running, timeout=min(pauses), return_when=FIRST_COMPLETED)
        for future in done:
            report = future.result()  # an outage ends the run here; the lease is given back then
            visit = self._running.pop(future)
            route = self._route(visit)
            self._routes[route.name if route else ""] -= 1
            self._hosts.ended(_host(visit), report.crawl_delay_s)
            self.tallies[visit.lease.link].plus(report.tally)
            if report.tally.total:
                self._advance(report.tally.total)

    def _renew(self) -> None:
        if self._monotonic() - self._renewed_at < self._lease_s / 3:
            return
        self._renewed_at = self._monotonic()
        visits = [*self._waiting, *self._running.values()]
        leases = [visit.lease for visit in visits]
        held = self._frontier.renew(self._around.round_, leases, self._lease_s)
        for visit in visits:
            if visit.lease not in held:
                visit.lost.set()
        self._waiting = [visit for visit in self._waiting if not visit.lost.is_set()]

    def _give_back(self) -> None:
        """Lets others have at once what this process leaves undone."""
        visits = [*self._waiting, *self._running.values()]
        for visit in visits:
            visit.lost.set()
        if visits:
            with suppress(StoreUnavailable):
                self._frontier.release(self._around.round_, [visit.lease for visit in visits])


_POLL_S = 0.1


def _host(visit: Visit) -> str:
    return host_of(visit.lease.target.url)
