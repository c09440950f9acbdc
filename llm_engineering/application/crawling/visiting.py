"""One visit: from a leased target to stored documents, further targets and what is remembered."""

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from uuid import UUID

from llm_engineering.application.crawling import recollection
from llm_engineering.application.crawling.dispatcher import CrawlerDispatcher, Route
from llm_engineering.application.crawling.outcome import Failure, OutcomeTally
from llm_engineering.application.crawling.proposing import Proposer
from llm_engineering.application.crawling.sites import same_site
from llm_engineering.application.ports.crawling import (
    Finding,
    Link,
    RobotsRules,
    SiteRules,
    Target,
    Visited,
)
from llm_engineering.application.ports.frontier import (
    CrawlMemory,
    DeadLetter,
    DeadLetters,
    Frontier,
    Lease,
    PageMemory,
    Round,
    VisitState,
)
from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.domain.documents import Document
from llm_engineering.domain.errors import (
    ConfigurationError,
    DocumentError,
    ExtractionError,
    FetchError,
    InvalidInput,
    PageGone,
    PipelineError,
)
from llm_engineering.domain.ids import document_id
from llm_engineering.domain.types import SaveOutcome

MOST_LEASES = 5  # of one target without an end: what kills its worker each time is given up
_ADDRESSES = ("http:", "https:", "file:")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CrawlState:
    """Everything about crawls that outlives the process."""

    frontier: Frontier
    memory: CrawlMemory
    letters: DeadLetters


@dataclass(frozen=True)
class Surroundings:
    """What all visits of a run share. `lists_all` tells which links are whole sitemaps."""

    dispatcher: CrawlerDispatcher
    robots: RobotsRules
    store: DocumentStore
    state: CrawlState
    clock: Callable[[], datetime]
    round_: Round
    links: Sequence[Link]
    lists_all: Sequence[bool]
    proposer: Proposer


@dataclass(frozen=True)
class VisitReport:
    """What came of a visit; `crawl_delay_s` is what the host's robots.txt asks for."""

    tally: OutcomeTally
    crawl_delay_s: float = 0.0


@dataclass
class Visit:
    """One leased target on its way. `run` it once, in any thread; set `lost` to stop it."""

    lease: Lease
    known: PageMemory | None
    around: Surroundings
    lost: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self._target = self.lease.target
        self._tally = OutcomeTally(self.around.links[self.lease.link].url)
        self._rules: SiteRules | None = None
        self._visited: Visited | None = None
        self._documents: list[UUID] = []
        self._targets: list[Target] = []
        self._letters: list[DeadLetter] = []
        self._original: str | None = None
        self._remembered = True
        self._unchanged = False

    def run(self) -> VisitReport:
        """Visits the target, stores its documents as they come, and completes the lease.

        Raises:
            StoreUnavailable: a store is out of reach.
            OSError: most often a full disk.
        """
        route = self._visit()
        if self.lost.is_set():
            return VisitReport(OutcomeTally(""))
        delay_s = self._rules.crawl_delay_s if self._rules else 0.0
        held = self._settle(route)
        return VisitReport(self._tally if held else OutcomeTally(""), delay_s)

    def _visit(self) -> Route | None:
        route = None
        try:
            self._check_leases()
            route = self.around.dispatcher.route_of(self._target)
            if self._may_visit(route):
                self._read(route)
        except DocumentError as error:
            self._failed(error)
        except (InvalidInput, ConfigurationError) as error:
            self._failed(DocumentError(self._target.url, str(error)))
        except (PipelineError, OSError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - a crawler meets a page that nobody thought of
            _log.exception("visit of %s", self._target.url)
            what = f"cannot be read ({type(error).__name__}: {error})"
            self._failed(DocumentError(self._target.url, " ".join(what.split())))
        return route

    def _check_leases(self) -> None:
        if self.lease.token > MOST_LEASES:
            raise DocumentError(self._target.url, f"given up: {MOST_LEASES} visits had no end")

    def _may_visit(self, route: Route) -> bool:
        if not route.polite:
            return True
        self._rules = self.around.robots.of_site(self._target.url)
        return self._allowed(self._target.url, self._rules)

    def _allowed(self, url: str, rules: SiteRules) -> bool:
        """A start that may not be fetched is a failure; any other page is left out."""
        if rules.allows(url):
            return True
        if self._target.found_on is None:
            raise FetchError(url, "robots.txt does not allow it")
        self._tally.skipped()
        self._remembered = False
        return False

    def _read(self, route: Route) -> None:
        target, known = self._target, recollection.usable(self.known, self._target)
        if known is not None and recollection.is_fresh(known, target):
            self._take_unchanged(None)
            return
        if known is not None:
            target = target.model_copy(update={"validators": known.validators})
        with closing(route.crawler.visit(target)) as findings:
            for finding in findings:
                if self.lost.is_set() or not self._taken(finding, route):
                    break

    def _taken(self, finding: Finding, route: Route) -> bool:
        """Takes one finding; returns whether more may follow."""
        match finding:
            case Visited():
                return self._arrived(finding, route)
            case DocumentError():
                self._failed(finding)
            case Target():
                self._targets.append(finding)
            case _:
                self._save(finding)
        return True

    def _arrived(self, visited: Visited, route: Route) -> bool:
        """Goes on unless a redirect led where the crawl may not go."""
        self._visited = visited
        if visited.url != self._target.url:
            linked = self._target.found_on is not None and not self._target.listed
            if linked and not same_site(visited.url, self._target.url):
                self._remembered = False
                return False
            if route.polite:
                self._rules = self.around.robots.of_site(visited.url)
                if not self._allowed(visited.url, self._rules):
                    return False
        if visited.unchanged:
            self._take_unchanged(visited)
            return False
        return True

    def _take_unchanged(self, visited: Visited | None) -> None:
        if self.known is None:
            return
        self._unchanged = True
        self._visited = visited or Visited(url=self._target.url)
        self._tally.saved(SaveOutcome.UNCHANGED, len(self.known.documents))
        self._documents += self.known.documents
        self._targets += recollection.remembered_targets(self.known, self._target)

    def _save(self, document: Document) -> None:
        if document.url != self._target.url and not self.lease.original_failed:
            frontier = self.around.state.frontier
            if not frontier.claim(self.around.round_, self.lease, document.url):
                self._original = document.url
                return
        try:
            outcome = self.around.store.save(document)
        except DocumentError as error:
            self._failed(error, stage="store")
            return
        self._tally.saved(outcome)
        if outcome is SaveOutcome.FORGOTTEN:
            self._remembered = False
        else:
            self._documents.append(document.id)

    def _failed(self, error: DocumentError, stage: str | None = None) -> None:
        known = self.known
        if isinstance(error, PageGone) and error.url == self._target.url and known:
            self._tally.gone(self._mark_gone(known.documents, error.reason))
            self._remembered = False
            return
        where = self._target.found_on
        how = "listed in" if self._target.listed else "linked from"
        reason = f"{error.reason} ({how} {where})" if where else error.reason
        failure = Failure(url=error.url, reason=reason, transient=error.transient)
        self._tally.failed(failure)
        self._letters.append(
            DeadLetter(
                **failure.model_dump(),
                stage=stage or _stage_of(error),
                failed_at=self.around.clock(),
                link=self.around.links[self.lease.link],
                target=self._target,
            )
        )

    def _settle(self, route: Route | None) -> bool:
        """Writes down what the visit came to; the lease is completed last of all."""
        state = self.around.state
        complete = bool(route and route.complete)
        base = self._visited.url if self._visited else self._target.url
        self.around.proposer.propose(self.lease, self._targets, base, self._rules)
        if complete and not self._unchanged and not self._broken:
            self._drop_vanished()
        self._remember()
        state.letters.replace(self._target, self._letters)
        lists = any(target.listed for target in self._targets)
        if self._letters:
            ended, lists = VisitState.FAILED, lists or complete
        else:
            copied = self._original is not None and not self._documents
            ended = VisitState.COPY if copied else VisitState.DONE
        return state.frontier.complete(
            self.around.round_, self.lease, ended, lists=lists, original=self._original
        )

    @property
    def _broken(self) -> bool:
        """Whether the target itself failed, and not only some of many documents that it holds."""
        whole = {self._target.url, self._visited.url if self._visited else self._target.url}
        failed = {letter.url for letter in self._letters}
        return bool(failed) and (not self._documents or not failed.isdisjoint(whole))

    def _failed_documents(self) -> list[UUID]:
        """Returns what the last visit had and this one could not have: it need not be gone."""
        urls = [letter.url for letter in self._letters]
        failed = {document_id(url) for url in urls if url.startswith(_ADDRESSES)}
        return [one for one in self.known.documents if one in failed] if self.known else []

    def _drop_vanished(self) -> None:
        """What the target gave at the last visit and gives no more is gone, unless others do."""
        if self.known is None or self._visited is None or self._original is not None:
            return
        given = {*self._documents, *self._failed_documents()}
        vanished = [one for one in self.known.documents if one not in given]
        if vanished and self._remembered:
            elsewhere = self.around.state.memory.held_elsewhere(vanished, self._target.url)
            gone = [one for one in vanished if one not in elsewhere]
            self._tally.gone(self._mark_gone(gone, f"no longer at {self._target.url}"))

    def _mark_gone(self, documents: Sequence[UUID], reason: str) -> int:
        now = self.around.clock()
        return sum(self.around.store.mark_gone(one, now, reason) for one in documents)

    def _remember(self) -> None:
        memory = self.around.state.memory
        listed_by = None
        if self._target.listed and self.around.lists_all[self.lease.link]:
            listed_by = self.around.links[self.lease.link].url
        if self._unchanged and self.known and self._visited:
            page = recollection.renewed(self.known, self._target, self._visited.validators)
            memory.remember(page.model_copy(update={"listed_by": listed_by or page.listed_by}))
        elif self._remembered and self._visited and not self._broken and self._original is None:
            documents = [*self._documents, *self._failed_documents()]
            found = (self._target, self._visited, documents, self._targets, listed_by)
            page = recollection.memory_of(*found)
            memory.remember(recollection.unfinished(page) if self._letters else page)
        elif self.known and not (self._letters and self._remembered):
            memory.drop(self._target.url)


def _stage_of(error: DocumentError) -> str:
    if isinstance(error, ExtractionError):
        return "extract"
    if error.reason.startswith("robots.txt"):
        return "robots"
    return "fetch" if isinstance(error, FetchError) else "visit"
