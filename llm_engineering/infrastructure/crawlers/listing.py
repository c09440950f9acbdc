"""Lists of pages: feeds and sitemaps, told apart by what they hold and not by their address."""

import re
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice
from urllib.parse import SplitResult, urlsplit

from lxml import html

from llm_engineering.application.crawling.sites import FEED, SITEMAP
from llm_engineering.application.ports.crawling import Finding, Target, Visited
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.errors import DocumentError, ExtractionError, FetchError
from llm_engineering.infrastructure.crawlers import medium, substack
from llm_engineering.infrastructure.crawlers.article import visit_of
from llm_engineering.infrastructure.crawlers.decoding import decompressed
from llm_engineering.infrastructure.crawlers.feed import (
    FEED_TYPES,
    Entry,
    Feed,
    feed_of,
    is_feed,
    json_feed_of,
    linked_feeds,
)
from llm_engineering.infrastructure.crawlers.fetcher import (
    HTML_TYPES,
    TEXT_TYPES,
    XML_TYPES,
    Fetcher,
    Response,
)
from llm_engineering.infrastructure.crawlers.html_tree import parse
from llm_engineering.infrastructure.crawlers.markdown import to_markdown
from llm_engineering.infrastructure.crawlers.sitemap import (
    MAX_PAGES,
    Listed,
    is_index,
    is_sitemap,
    listed_in,
    listed_in_text,
    same_site,
)
from llm_engineering.infrastructure.crawlers.xml_reading import xml_root

LIST_TYPES = FEED_TYPES | XML_TYPES | {"application/json", "application/octet-stream"}
ANY_LIST_TYPES = LIST_TYPES | HTML_TYPES | TEXT_TYPES
PAGE_ROUTE = "article"
MAX_BYTES = 50_000_000  # of a list, decompressed: the sitemap protocol's own limit

_WORD = re.compile(r"\w{2,}")
_GZIP_MAGIC = b"\x1f\x8b"
_SITEMAP_PATH = re.compile(r"sitemap[^/]*\.(xml(\.gz)?|txt)$|\.xml\.gz$", re.I)
_FEED_PATH = re.compile(
    r"/(feed|rss|atom|rss2|feeds?/(default|all|posts?|rss2?|atom)|posts/default)/?$"
    r"|\.(rss|atom|rdf|xml)$|/feed\.json$",
    re.I,
)
_FEED_QUERY = re.compile(r"(^|&)(feed|format|type)=(rss2?|atom|feed|xml)(&|$)|(^|&)alt=rss", re.I)


def is_sitemap_link(link: SplitResult) -> bool:
    """Returns whether an address is that of a sitemap by its looks."""
    return bool(_SITEMAP_PATH.search(link.path))


def is_feed_link(link: SplitResult) -> bool:
    """Returns whether an address is that of a feed by its looks; sitemaps are not asked here."""
    host = link.hostname or ""
    named = bool(_FEED_PATH.search(link.path) or _FEED_QUERY.search(link.query))
    return named or host.startswith(("feeds.", "feed."))


Whole = Callable[[Entry], Entry | None]
# Services whose feeds carry whole posts, and how to tell one. Of other feeds nobody knows whether
# an entry is the whole text; their pages are read.
_WHOLE: Mapping[str, Whole] = {
    medium.GENERATOR: medium.whole_post,
    substack.GENERATOR: substack.whole_post,
}


class ListingCrawler:
    """Names the pages of a feed or a sitemap; entries that are whole posts become documents."""

    def __init__(self, fetcher: Fetcher, clock: Callable[[], datetime]) -> None:
        self._fetcher = fetcher
        self._clock = clock

    def visit(self, target: Target) -> Generator[Finding, None, None]:
        """Yields a document or a listed target for each entry, or what is wrong with the list.

        Raises:
            FetchError: the list did not come.
        """
        response = self._fetcher.fetch(target.url, ANY_LIST_TYPES, validators=target.validators)
        visited = visit_of(response, target)
        yield visited
        if not visited.unchanged:
            yield from named_in(response, target, self._clock())


class ElsewhereCrawler:
    """Visits a link by another address that lists its pages: a profile by its feed."""

    def __init__(self, address_of: Callable[[str], str], via: str) -> None:
        self._address_of = address_of
        self._via = via

    def visit(self, target: Target) -> Generator[Finding, None, None]:
        """Yields that address as a listed target; nothing is fetched."""
        yield Visited(url=target.url)
        address = self._address_of(target.url)
        yield target_of(address, target, found_on=target.url, via=self._via)


def named_in(response: Response, target: Target, now: datetime) -> Iterator[Finding]:
    """Yields what a feed or a sitemap names, or what is wrong with it.

    Pages take the author and the depth of `target`; where an entry names its author, that one
    counts. A page of HTML is no list, but may say where the feed is.
    """
    try:
        yield from _named_in(_unzipped(response), target, now)
    except DocumentError as error:
        yield error


def _named_in(response: Response, target: Target, now: datetime) -> Iterator[Finding]:
    text, url = response.text, response.url
    root = xml_root(text, url) if text.lstrip("\ufeff \r\n\t").startswith("<") else None
    if root is not None and is_sitemap(root):
        via = SITEMAP if is_index(root) else PAGE_ROUTE
        yield from _pages_of_sitemap(listed_in(root, url), target, url, via)
    elif root is not None and is_feed(root):
        yield from _entries_of(feed_of(root, url), url, target, now)
    elif response.content_type in HTML_TYPES:
        yield _feed_of_page(text, url, target)
    elif (feed := json_feed_of(text, url)) is not None:
        yield from _entries_of(feed, url, target, now)
    elif root is None and response.content_type in TEXT_TYPES:
        yield from _pages_of_sitemap(listed_in_text(text, url), target, url, PAGE_ROUTE)
    else:
        raise ExtractionError(url, "neither a feed nor a sitemap")


def _unzipped(response: Response) -> Response:
    """Returns a response whose body is no gzip file; some sitemaps are stored as one."""
    if not response.body.startswith(_GZIP_MAGIC):
        return response
    text = bytearray()
    try:
        for piece in decompressed([response.body], "gzip"):
            text += piece
            if len(text) > MAX_BYTES:
                raise FetchError(response.url, f"larger than {MAX_BYTES:,} bytes")
    except (ValueError, zlib.error) as error:
        raise FetchError(response.url, str(error)) from error
    return replace(response, body=bytes(text))


def _pages_of_sitemap(
    pages: Iterator[Listed], target: Target, url: str, via: str
) -> Iterator[Finding]:
    first = next(pages, None)
    if first is None:
        raise ExtractionError(url, "lists no page of its own site")
    for page in islice(chain([first], pages), MAX_PAGES):
        yield target_of(
            page.url,
            target,
            found_on=url,
            via=via,
            title=page.title,
            published=page.published,
            modified=page.modified,
        )
    if next(pages, None) is not None:
        yield ExtractionError(url, f"lists more than {MAX_PAGES:,} pages; the rest is left out")


def _entries_of(feed: Feed, url: str, target: Target, now: datetime) -> Iterator[Finding]:
    whole_post = _WHOLE.get(feed.generator or "")
    for entry in feed.entries:
        post = whole_post(entry) if whole_post else None
        document = _document_of(post, target, now) if post else None
        yield document or target_of_entry(entry, target, url, via=PAGE_ROUTE)
    if feed.next_page is not None and same_site(feed.next_page, url):
        yield target_of(feed.next_page, target, found_on=url, via=FEED)


def _document_of(post: Entry, target: Target, now: datetime) -> ArticleDocument | None:
    """Returns the document of an entry that is a whole post, None when it has no words."""
    page = f"<html><body><main>{post.full_text}</main></body></html>"
    text = to_markdown(html.document_fromstring(page))
    if post.url is None or not _WORD.search(text):
        return None
    return ArticleDocument.create(
        url=post.url,
        title=post.title or post.url,
        content=text,
        platform=(urlsplit(post.url).hostname or "").removeprefix("www."),
        fetched_at=now,
        author=post.author or target.author,
        published=post.published,
        modified=post.modified,
    )


def target_of_entry(entry: Entry, target: Target, url: str, via: str) -> Target | ExtractionError:
    """Returns the page of an entry of the feed at `url`, or why there is none."""
    if entry.url is None:
        return ExtractionError(url, f"the entry {entry.title!r} has no link")
    return target_of(
        entry.url,
        target,
        found_on=url,
        via=via,
        title=entry.title,
        author=entry.author or target.author,
        published=entry.published,
        modified=entry.modified,
    )


def target_of(url: str, parent: Target, *, found_on: str, via: str, **said: object) -> Target:
    """Returns a target that a list names, with what the list says of it.

    `via` keeps the promise of a list: pages. Nobody who crawls a feed of links wants every
    repository cloned that it names.
    """
    fields = {
        "author": parent.author,
        "depth": parent.depth,
        "max_pages": parent.max_pages,
        **said,
    }
    return Target.model_validate(
        {"url": url, "listed": True, "found_on": found_on, "via": via, **fields}
    )


def _feed_of_page(text: str, url: str, target: Target) -> Target:
    """Returns the first feed that a page names: the others are mostly those of its comments."""
    feed = next(linked_feeds(parse(text, url), url), None)
    if feed is None or feed == target.url:
        raise ExtractionError(url, "a page instead of a feed, and it names none")
    return target_of(feed, target, found_on=url, via=FEED)
