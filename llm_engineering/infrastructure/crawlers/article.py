"""Articles and other pages of prose: one page, or a site by its links or its sitemap."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from urllib.parse import urljoin, urlsplit

from lxml import html

from llm_engineering.application.ports.crawling import Link
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.errors import DocumentError, ExtractionError, FetchError, InvalidInput
from llm_engineering.domain.ids import canonical_url
from llm_engineering.infrastructure.crawlers.extraction import extract
from llm_engineering.infrastructure.crawlers.fetcher import Fetcher, Response
from llm_engineering.infrastructure.crawlers.html_tree import links, parse
from llm_engineering.infrastructure.crawlers.robots import Robots
from llm_engineering.infrastructure.crawlers.sitemap import sitemap_pages

Item = ArticleDocument | DocumentError


@dataclass(frozen=True)
class _Target:
    """A page to fetch, and the page that links to it."""

    url: str
    found_on: str | None = None


@dataclass(frozen=True)
class _Visit:
    """What came of a target: the page or its failure, where it really is, and its links."""

    target: _Target
    item: Item
    url: str
    links: Sequence[str] = ()


class ArticleCrawler:
    """Crawls pages of one host, breadth first, several at a time.

    Pages are told apart by canonical URL, each is fetched once. Which pages are taken does not
    depend on which answers first: a level of links is finished before the next one begins.
    """

    def __init__(
        self,
        open_fetcher: Callable[[], Fetcher],
        clock: Callable[[], datetime],
        *,
        concurrency: int = 6,
    ) -> None:
        self._open_fetcher = open_fetcher
        self._clock = clock
        self._concurrency = concurrency

    def crawl(self, link: Link) -> Generator[Item, None, None]:
        """Yields a document, or the reason why there is none, for each page as it is done."""
        with self._open_fetcher() as fetcher:
            crawl = _SiteCrawl(link, fetcher, self._clock)
            pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix="crawl")
            try:
                yield from crawl.run(pool, window=2 * self._concurrency)
            finally:
                # who stops early does not wait for pages that do not answer
                pool.shutdown(wait=False, cancel_futures=True)


class _SiteCrawl:
    """One crawl of one site: what was seen, and what is left."""

    def __init__(self, link: Link, fetcher: Fetcher, clock: Callable[[], datetime]) -> None:
        self._link = link
        self._fetcher = fetcher
        self._clock = clock
        self._start = canonical_url(link.url)
        self._site = _site_of(self._start)
        self._taken: set[str] = set()
        self._yielded: set[str] = set()
        self._copies: dict[str, ArticleDocument] = {}

    def run(self, pool: ThreadPoolExecutor, window: int) -> Iterator[Item]:
        """Yields what each page came to, level by level."""
        try:
            self._robots = Robots.of_site(self._start, self._fetcher)
        except FetchError as error:
            yield error
            return
        level = yield from self._first_level()
        for depth in range(self._link.depth + 1):
            found: dict[str, Sequence[str]] = {}
            for visit in _finished(pool, self._visit, level, window):
                yield from self._accepted(visit)
                found[visit.target.url] = visit.links
            if depth == self._link.depth or self._link.sitemap:
                break
            level = self._new(_Target(url, page.url) for page in level for url in found[page.url])
        yield from (copy for url, copy in self._copies.items() if url not in self._yielded)

    def _first_level(self) -> Generator[Item, None, Sequence[_Target]]:
        if self._link.sitemap:
            return (yield from self._sitemap_level())
        level = self._new([_Target(self._start)])
        if not level:
            yield FetchError(self._start, "robots.txt does not allow it")
        return level

    def _sitemap_level(self) -> Generator[Item, None, Sequence[_Target]]:
        named = self._start.endswith((".xml", ".xml.gz"))
        usual = self._robots.sitemaps or [urljoin(self._start, "/sitemap.xml")]
        pages: list[_Target] = []
        for page in sitemap_pages([self._start] if named else usual, self._fetcher):
            if isinstance(page, FetchError):
                yield page
            else:
                pages.append(_Target(page))
        level = self._new(pages)
        if pages and not level:
            yield FetchError(self._start, "its sitemap lists no page of this site that is allowed")
        return level

    def _new(self, targets: Iterable[_Target]) -> Sequence[_Target]:
        """Returns the new targets on this site, as many as the page limit leaves."""
        new: list[_Target] = []
        for target in targets:
            if len(self._taken) >= self._link.max_pages:
                break
            known = target.url in self._taken or _site_of(target.url) != self._site
            if not known and self._robots.allows(target.url):
                self._taken.add(target.url)
                new.append(target)
        return new

    def _visit(self, target: _Target) -> _Visit:
        """Fetches and reads one page; runs in the pool."""
        try:
            response = self._fetcher.fetch(target.url)
            tree = parse(response.text, target.url)
            url = canonical_url(response.url)
            item = self._document(response, tree, target)
            return _Visit(target, item, url, links(tree, response.url))
        except DocumentError as error:
            return _Visit(target, _located(error, target), target.url)
        except InvalidInput as error:  # a redirect to what is not an address
            return _Visit(target, _located(FetchError(target.url, str(error)), target), target.url)

    def _document(
        self, response: Response, tree: html.HtmlElement, target: _Target
    ) -> ArticleDocument | DocumentError:
        """Returns the document, or why there is none: the links of such a page still count."""
        try:
            found = extract(tree, response.url, self._clock())
        except ExtractionError as error:
            return _located(error, target)
        return ArticleDocument.create(
            url=found.url,
            title=found.title,
            content=found.text,
            platform=(urlsplit(found.url).hostname or "").removeprefix("www."),
            fetched_at=self._clock(),
            author=found.author or self._link.author,
            published=found.published,
            language=found.language,
            raw=response.body,
        )

    def _accepted(self, visit: _Visit) -> Iterator[Item]:
        """Yields the item unless it is a copy of another page, or of another site."""
        if isinstance(visit.item, DocumentError):
            yield visit.item
            return
        starting = visit.target.found_on is None and not self._link.sitemap
        if starting and _site_of(visit.url) != self._site:
            yield from self._move_to(visit.url)
        document = visit.item
        foreign = _site_of(visit.url) != self._site or not self._robots.allows(visit.url)
        if foreign or document.url in self._yielded:
            return
        if document.url != visit.target.url and document.url in self._taken:
            self._copies[document.url] = document  # counts if the original turns out to be broken
            return
        self._yielded.add(document.url)
        yield document

    def _move_to(self, url: str) -> Iterator[FetchError]:
        """Goes on where the start page has moved to: https, www, or another host."""
        self._site = _site_of(url)
        try:
            self._robots = Robots.of_site(url, self._fetcher)
        except FetchError as error:
            self._robots = Robots.closed()
            yield error
            return
        if not self._robots.allows(url):
            yield FetchError(url, "robots.txt does not allow it")


def _finished(
    pool: ThreadPoolExecutor,
    work: Callable[[_Target], _Visit],
    targets: Iterable[_Target],
    window: int,
) -> Iterator[_Visit]:
    """Yields visits as they end; at most `window` are under way or waiting to be taken."""
    waiting = iter(targets)
    running = {pool.submit(work, target) for target in islice(waiting, window)}
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        running |= {pool.submit(work, target) for target in islice(waiting, len(done))}
        for visit in done:
            yield visit.result()


def _site_of(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _located(error: DocumentError, target: _Target) -> DocumentError:
    """Returns the error with the page that the broken link stands on."""
    if target.found_on is None:
        return error
    reason = f"{error.reason} (linked from {target.found_on})"
    return type(error)(error.url, reason, transient=error.transient)
