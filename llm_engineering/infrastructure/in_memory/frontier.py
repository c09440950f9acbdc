"""The frontier, the memory of pages and the dead letters in memory: unit tests and dry runs."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import RLock
from urllib.parse import urlsplit
from uuid import UUID

from llm_engineering.application.ports.crawling import Target
from llm_engineering.application.ports.frontier import (
    Advance,
    DeadLetter,
    Lease,
    PageMemory,
    Proposal,
    Round,
    VisitState,
)


@dataclass
class _Item:
    """A target of a round. `state`: found, ready, leased, or a VisitState."""

    target: Target
    link: int
    level: int
    position: str
    state: str = "found"
    rank: int = 0
    token: int = 0
    until: datetime | None = None
    counts: bool = True
    lists: bool = False
    original: str | None = None
    original_failed: bool = False
    claimed_by: str | None = None

    def lease(self) -> Lease:
        return Lease(
            link=self.link,
            target=self.target,
            level=self.level,
            rank=self.rank,
            token=self.token,
            original_failed=self.original_failed,
        )


@dataclass
class _Pass:
    """A round as it is kept."""

    number: int
    touched_at: datetime
    running: bool = True


_Items = dict[tuple[int, str], _Item]


class InMemoryFrontier:
    """Keeps everything in dictionaries, behind one lock."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._lock = RLock()
        self._passes: dict[str, _Pass] = {}
        self._items: dict[tuple[str, int], _Items] = {}

    def begin(self, crawl: str, resume_within: timedelta) -> Round:
        """Returns the unfinished round of a crawl, or a new one."""
        with self._lock:
            now, last = self._clock(), self._passes.get(crawl)
            if last and last.running and last.touched_at >= now - resume_within:
                last.touched_at = now
                return Round(crawl=crawl, number=last.number, resumed=True)
            number = last.number + 1 if last else 1
            self._items.pop((crawl, number - 1), None)
            self._passes[crawl] = _Pass(number, now)
            return Round(crawl=crawl, number=number)

    def propose(self, round_: Round, proposals: Sequence[Proposal]) -> None:
        """Adds targets that wait for their level."""
        with self._lock:
            items = self._of(round_)
            for one in proposals:
                new = _Item(one.target, one.link, one.level, one.position)
                item = items.setdefault((one.link, one.target.url), new)
                if (item.state, item.level) == ("found", one.level):
                    item.position = min(item.position, one.position)

    def advance(self, round_: Round, link: int, max_pages: int) -> Advance:
        """Begins the next level of a link once the present one has ended."""
        with self._lock:
            items = [one for one in self._of(round_).values() if one.link == link]
            taken = [one for one in items if one.state != "found"]
            if any(one.state in ("ready", "leased") for one in taken):
                return Advance.OPEN
            level = max((one.level for one in taken), default=-1) + 1
            room = max_pages - sum(one.counts for one in taken)
            found = [one for one in items if (one.level, one.state) == (level, "found")]
            chosen = sorted(found, key=lambda one: one.position)[: max(0, room)]
            for rank, one in enumerate(chosen):
                one.state, one.rank = "ready", rank
            return Advance.MOVED if chosen else self._copies_begin(taken)

    def _copies_begin(self, taken: Sequence[_Item]) -> Advance:
        good = {one.target.url for one in taken if one.state == VisitState.DONE}
        orphans = [
            one for one in taken if one.state == VisitState.COPY and one.original not in good
        ]
        for one in orphans:
            one.state, one.original_failed = "ready", True
        return Advance.MOVED if orphans else Advance.FINISHED

    def lease(
        self, round_: Round, limit: int, for_s: float, but_not: Collection[str] = ()
    ) -> Sequence[Lease]:
        """Leases up to `limit` targets, first levels first."""
        with self._lock:
            now = self._clock()
            free = [
                one
                for one in self._of(round_).values()
                if (one.state == "ready" or (one.state == "leased" and _ended(one, now)))
                and urlsplit(one.target.url).netloc not in but_not
            ]
            free.sort(key=lambda one: (one.level, one.rank, one.link))
            for one in free[:limit]:
                one.state, one.until = "leased", now + timedelta(seconds=for_s)
                one.token += 1
            return [one.lease() for one in free[:limit]]

    def renew(self, round_: Round, leases: Sequence[Lease], for_s: float) -> Sequence[Lease]:
        """Prolongs leases; returns those that are still held."""
        with self._lock:
            held = [lease for lease in leases if self._held(round_, lease)]
            for lease in held:
                item = self._of(round_)[lease.link, lease.target.url]
                item.until = self._clock() + timedelta(seconds=for_s)
            if round_.crawl in self._passes:
                self._passes[round_.crawl].touched_at = self._clock()
            return held

    def release(self, round_: Round, leases: Sequence[Lease]) -> None:
        """Gives leases back."""
        with self._lock:
            for lease in leases:
                item = self._held(round_, lease)
                if item:
                    item.state, item.until = "ready", None

    def complete(
        self,
        round_: Round,
        lease: Lease,
        state: VisitState,
        *,
        lists: bool = False,
        original: str | None = None,
    ) -> bool:
        """Ends a visit unless the lease was lost."""
        with self._lock:
            item = self._held(round_, lease)
            if item is None:
                return False
            item.state, item.until, item.original = state.value, None, original
            item.lists, item.counts = lists, not lists
            return True

    def claim(self, round_: Round, lease: Lease, url: str) -> bool:
        """Returns whether the document at `url` is this target's to bring in."""
        with self._lock:
            mark = _Item(Target(url=url), lease.link, lease.level, "", VisitState.DONE.value)
            mark.counts, mark.claimed_by = False, lease.target.url
            item = self._of(round_).setdefault((lease.link, url), mark)
            return item.claimed_by == lease.target.url

    def known(self, round_: Round, link: int, urls: Sequence[str]) -> Collection[str]:
        """Returns which of the URLs were proposed for a link."""
        with self._lock:
            return {url for url in urls if (link, url) in self._of(round_)}

    def open_links(self, round_: Round) -> Collection[int]:
        """Returns the links with targets that wait for a lease or are leased."""
        with self._lock:
            items = self._of(round_).values()
            return {one.link for one in items if one.state in ("ready", "leased")}

    def lists_whole(self, round_: Round, link: int) -> bool:
        """Returns whether targets that list others were visited, all with success."""
        with self._lock:
            items = self._of(round_).values()
            states = {one.state for one in items if one.link == link and one.lists}
            return states == {VisitState.DONE.value}

    def finish(self, round_: Round) -> bool:
        """Ends a round."""
        with self._lock:
            last = self._passes.get(round_.crawl)
            if last is None or not last.running or last.number != round_.number:
                return False
            last.running = False
            return True

    def drop(self, round_: Round) -> None:
        """Deletes the targets of a round."""
        with self._lock:
            self._items.pop((round_.crawl, round_.number), None)

    def _of(self, round_: Round) -> _Items:
        return self._items.setdefault((round_.crawl, round_.number), {})

    def _held(self, round_: Round, lease: Lease) -> _Item | None:
        item = self._of(round_).get((lease.link, lease.target.url))
        good = item and item.state == "leased" and item.token == lease.token
        return item if good else None


def _ended(item: _Item, now: datetime) -> bool:
    return item.until is not None and item.until <= now


class InMemoryCrawlMemory:
    """Pages in a dictionary."""

    def __init__(self) -> None:
        self.pages: dict[str, PageMemory] = {}

    def recall(self, urls: Sequence[str]) -> Mapping[str, PageMemory]:
        """Returns what is known of those pages."""
        return {url: self.pages[url] for url in urls if url in self.pages}

    def remember(self, page: PageMemory) -> None:
        """Replaces what is known of a page."""
        self.pages[page.url] = page

    def drop(self, url: str) -> None:
        """Forgets a page."""
        self.pages.pop(url, None)

    def listed_by(self, link: str) -> Iterator[PageMemory]:
        """Yields the pages that the sitemap of a link named."""
        yield from [page for page in self.pages.values() if page.listed_by == link]

    def note_missing(self, counts: Mapping[str, int]) -> None:
        """Sets in how many runs pages have been missing."""
        for url, runs in counts.items():
            if url in self.pages:
                self.pages[url] = self.pages[url].model_copy(update={"missing": runs})

    def held_elsewhere(self, documents: Sequence[UUID], url: str) -> Collection[UUID]:
        """Returns which of the documents other pages gave, too."""
        others = (page.documents for page in self.pages.values() if page.url != url)
        return {one for held in others for one in held}.intersection(documents)


class InMemoryDeadLetters:
    """Dead letters in a dictionary by what failed."""

    def __init__(self) -> None:
        self._letters: dict[str, DeadLetter] = {}

    def replace(self, target: Target, letters: Sequence[DeadLetter]) -> None:
        """Sets all that failed at a target."""
        before = {
            url: one for url, one in self._letters.items() if one.target.url == target.url
        } | {one.url: self._letters[one.url] for one in letters if one.url in self._letters}
        for url in before:
            del self._letters[url]
        for one in letters:
            attempts = before[one.url].attempts + 1 if one.url in before else one.attempts
            self._letters[one.url] = one.model_copy(update={"attempts": attempts})

    def all(self) -> Sequence[DeadLetter]:
        """Returns all of them, newest first."""
        return sorted(self._letters.values(), key=lambda one: (-one.failed_at.timestamp(), one.url))
