"""What a crawl has to visit, what it knows of the pages it visited, and what it could not have.

All three outlive the process, so a crawl that is killed goes on where it was.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from pydantic import AwareDatetime, Field

from llm_engineering.application.ports.crawling import Link, Target, Validators
from llm_engineering.domain.types import Frozen


class Round(Frozen):
    """One pass of a crawl over all it reaches. `resumed`: an earlier process had begun it."""

    crawl: str
    number: int = Field(ge=1)
    resumed: bool = False


class Proposal(Frozen):
    """A target of the crawl's link number `link`, and its place in the order of the crawl.

    `level` counts the steps from the link. Within a level, targets are taken in the order of
    `position` (text), whichever was proposed first.
    """

    link: int = Field(ge=0)
    target: Target
    level: int = Field(default=0, ge=0)
    position: str = ""


class Lease(Frozen):
    """A target that one worker may visit for some time. `token` grows each time it is leased.

    `rank` is its place within its level. `original_failed`: its document is known by another
    address, where it could not be had, and is to be taken from here.
    """

    link: int
    target: Target
    level: int
    rank: int
    token: int
    original_failed: bool = False


class VisitState(StrEnum):
    """How a visit ended."""

    DONE = "done"
    FAILED = "failed"
    COPY = "copy"  # its document is another target's


class Advance(StrEnum):
    """Where a link of a crawl stands."""

    OPEN = "open"  # targets of the present level wait or are under way
    MOVED = "moved"  # the next level begins
    FINISHED = "finished"


class Frontier(Protocol):
    """The targets of every crawl. Every method raises StoreUnavailable in an outage.

    A target belongs to a round and a link, and is known by its URL: proposing it again changes
    nothing but its place. Levels are taken one after the other.
    """

    def begin(self, crawl: str, resume_within: timedelta) -> Round:
        """Returns the unfinished round of a crawl, if it was touched lately, or else a new one."""
        ...

    def propose(self, round_: Round, proposals: Sequence[Proposal]) -> None:
        """Adds targets that wait for their level. One that is known keeps its first level."""
        ...

    def advance(self, round_: Round, link: int, max_pages: int) -> Advance:
        """Begins the next level of a link once the present one has ended.

        Takes the first targets in the order of their positions, `max_pages` in all levels
        together; targets that only list others do not count. After the last level, copies whose
        original failed get their turn.
        """
        ...

    def lease(
        self, round_: Round, limit: int, for_s: float, but_not: Collection[str] = ()
    ) -> Sequence[Lease]:
        """Leases up to `limit` targets for `for_s` seconds, first levels first.

        No other worker gets them before the lease ends. Hosts of `but_not` are passed over.
        """
        ...

    def renew(self, round_: Round, leases: Sequence[Lease], for_s: float) -> Sequence[Lease]:
        """Prolongs leases; returns those that are still held."""
        ...

    def release(self, round_: Round, leases: Sequence[Lease]) -> None:
        """Gives leases back, so that others need not wait for their end."""
        ...

    def complete(
        self,
        round_: Round,
        lease: Lease,
        state: VisitState,
        *,
        lists: bool = False,
        original: str | None = None,
    ) -> bool:
        """Ends a visit; returns False, and changes nothing, when the lease was lost meanwhile.

        Args:
            round_: the round of the lease.
            lease: the visit that ended.
            state: how.
            lists: the target names others and is no page itself.
            original: the URL of the target's document, when that is another's.
        """
        ...

    def claim(self, round_: Round, lease: Lease, url: str) -> bool:
        """Returns whether the document at `url` is this target's to bring in.

        It is not when `url` is a target of the same link, or another one claimed it before.
        """
        ...

    def known(self, round_: Round, link: int, urls: Sequence[str]) -> Collection[str]:
        """Returns which of the URLs were proposed for a link in this round."""
        ...

    def open_links(self, round_: Round) -> Collection[int]:
        """Returns the links with targets that wait for a lease or are leased."""
        ...

    def lists_whole(self, round_: Round, link: int) -> bool:
        """Returns whether targets that list others were visited for a link, all with success."""
        ...

    def finish(self, round_: Round) -> bool:
        """Ends a round, so that the next `begin` starts another; False when it had ended."""
        ...

    def drop(self, round_: Round) -> None:
        """Deletes the targets of a round."""
        ...


class PageMemory(Frozen):
    """What is known of a page from its last good visit.

    `context` stands for everything else that its documents depend on; when that differs, the page
    is read anew. `targets` is what it named, None when that was too much to keep. `listed_by` is
    the link whose sitemap names it, `missing` how many runs it has been missing there.
    """

    url: str
    validators: Validators = Validators()
    modified: AwareDatetime | None = None
    context: str
    documents: tuple[UUID, ...] = ()
    targets: tuple[Target, ...] | None = ()
    listed_by: str | None = None
    missing: int = Field(default=0, ge=0)


class CrawlMemory(Protocol):
    """Pages across runs. Every method raises StoreUnavailable in an outage."""

    def recall(self, urls: Sequence[str]) -> Mapping[str, PageMemory]:
        """Returns what is known of those pages."""
        ...

    def remember(self, page: PageMemory) -> None:
        """Replaces what is known of a page."""
        ...

    def drop(self, url: str) -> None:
        """Forgets a page."""
        ...

    def listed_by(self, link: str) -> Iterator[PageMemory]:
        """Yields the pages that the sitemap of a link named; they may be changed meanwhile."""
        ...

    def note_missing(self, counts: Mapping[str, int]) -> None:
        """Sets in how many runs pages (by URL) have been missing from their sitemap."""
        ...

    def held_elsewhere(self, documents: Sequence[UUID], url: str) -> Collection[UUID]:
        """Returns which of the documents other pages than `url` gave, too."""
        ...


class DeadLetter(Frozen):
    """Something that could not be had: what, why, at which stage, and what to visit again."""

    url: str
    reason: str
    stage: str
    transient: bool
    attempts: int = Field(default=1, ge=1)
    failed_at: AwareDatetime
    link: Link
    target: Target


class DeadLetters(Protocol):
    """What failed and has not succeeded since. Every method raises StoreUnavailable."""

    def replace(self, target: Target, letters: Sequence[DeadLetter]) -> None:
        """Sets all that failed at a target; what failed before counts its attempts on."""
        ...

    def all(self) -> Sequence[DeadLetter]:
        """Returns all of them, newest first."""
        ...
