"""Crawls without a network: crawlers that follow a script, and stores in memory."""

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock

from llm_engineering.application.crawling.config import CrawlLimits
from llm_engineering.application.crawling.dispatcher import (
    CrawlerDispatcher,
    Route,
    any_link,
    no_link,
)
from llm_engineering.application.crawling.engine import CrawlEngine
from llm_engineering.application.crawling.visiting import CrawlState
from llm_engineering.application.ports.crawling import Finding, Link, Target, Visited
from llm_engineering.domain.documents import ArticleDocument, Document
from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.frontier import (
    InMemoryCrawlMemory,
    InMemoryDeadLetters,
    InMemoryFrontier,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOME = "https://a.org/"


def page(url: str, content: str = "The water comes and goes.") -> Document:
    """Returns an article."""
    return ArticleDocument.create(
        url=url, title="Tides", content=content, platform="a.org", fetched_at=NOON
    )


def links(*urls: str, **more: object) -> list[Target]:
    """Returns the targets of links that stand on the home page."""
    return [
        Target.model_validate({"url": url, "found_on": HOME, "depth": 9, **more}) for url in urls
    ]


Script = Sequence[Finding] | Exception | Callable[[Target], Sequence[Finding]]


class ScriptedCrawler:
    """Yields what the script says for a URL, after a Visited; `visits` are in their order.

    An exception in place of a script is raised, a function is called with the target. Without a
    script, a page has a text and no links.
    """

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self.scripts = dict(scripts)
        self.visits: list[Target] = []
        self.closed = 0
        self._lock = Lock()

    @property
    def urls(self) -> list[str]:
        """The addresses that were visited."""
        return [target.url for target in self.visits]

    def visit(self, target: Target) -> Generator[Finding, None, None]:
        """Follows the script."""
        with self._lock:
            self.visits.append(target)
        try:
            script = self.scripts.get(target.url, [page(target.url)])
            if isinstance(script, Exception):
                raise script
            found = script(target) if callable(script) else script
            if not any(isinstance(one, Visited) for one in found):
                yield Visited(url=target.url)
            yield from found
        finally:
            self.closed += 1


class ScriptedRobots:
    """Rules of sites: paths that may not be fetched, delays, sitemaps; or a site that is down."""

    def __init__(
        self,
        disallowed: Sequence[str] = (),
        crawl_delay_s: float = 0.0,
        sitemaps: Sequence[str] = (),
        down: Sequence[str] = (),
    ) -> None:
        self.crawl_delay_s = crawl_delay_s
        self.sitemaps = sitemaps
        self._disallowed = disallowed
        self._down = down

    def of_site(self, url: str) -> "ScriptedRobots":
        """Returns itself."""
        if any(site in url for site in self._down):
            raise FetchError(url, "robots.txt: HTTP 503", transient=True)
        return self

    def allows(self, url: str) -> bool:
        """Returns whether the URL is none of the disallowed ones."""
        return url not in self._disallowed


class ScriptedCrawl:
    """An engine with its collaborators; `run` may be called again and again."""

    def __init__(
        self,
        scripts: Mapping[str, Script],
        robots: ScriptedRobots | None = None,
        store: InMemoryDocumentStore | None = None,
        **limits: object,
    ) -> None:
        self.crawler = ScriptedCrawler(scripts)
        self.store = store or InMemoryDocumentStore()
        self.frontier = InMemoryFrontier(lambda: NOON)
        self.memory = InMemoryCrawlMemory()
        self.letters = InMemoryDeadLetters()
        self.limits = CrawlLimits.model_validate({"concurrency": 1, **limits})
        self.progress = 0
        self.engine = CrawlEngine(
            CrawlerDispatcher(
                [
                    Route("sitemap", no_link, self.crawler, complete=True),
                    Route("feed", lambda parts: parts.path == "/feed", self.crawler),
                    Route("page", any_link, self.crawler, complete=True),
                ]
            ),
            robots or ScriptedRobots(),
            self.store,
            CrawlState(self.frontier, self.memory, self.letters),
            self.limits,
            lambda: NOON,
        )

    def run(self, *starts: Link, **link: object) -> dict[str, int]:
        """Crawls links, by default the home page; returns the counts of the first."""
        found = starts or (Link.model_validate({"url": HOME, **link}),)
        self.report = self.engine.run(found, self._advance)
        row = self.report.rows[0]
        names = ("new", "changed", "unchanged", "gone", "skipped", "failed")
        return {name: getattr(row, name) for name in names if getattr(row, name)}

    @property
    def stored(self) -> set[str]:
        """The paths of the documents in the store."""
        return {one.url.removeprefix(HOME[:-1]) for one in self.store.documents()}

    def _advance(self, amount: int) -> None:
        self.progress += amount
