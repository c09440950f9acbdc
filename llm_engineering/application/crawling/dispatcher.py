"""Which crawler takes which link."""

from collections.abc import Callable, Generator
from typing import Self
from urllib.parse import SplitResult, urlsplit

from llm_engineering.application.ports.crawling import Crawler, Link
from llm_engineering.domain.documents import Document
from llm_engineering.domain.errors import DocumentError, InvalidInput

Matches = Callable[[SplitResult], bool]
WEB_SCHEMES = frozenset({"http", "https"})
LOCAL_SCHEMES = frozenset({"file", ""})


def parsed_link(url: str) -> SplitResult:
    """Returns the parts of a web address, a `file:` address or a local path (no scheme).

    Raises:
        InvalidInput: the scheme is another one, or the address has no host.
    """
    try:
        parts = urlsplit(url.strip())
        has_host = bool(parts.hostname) and parts.port != 0  # reading a wrong port raises
    except ValueError as error:
        raise InvalidInput(f"not a link: {url!r} ({error})") from error
    if parts.scheme in WEB_SCHEMES and has_host:
        return parts
    if parts.scheme in LOCAL_SCHEMES and not parts.netloc and parts.path:
        return parts
    raise InvalidInput(
        f"not a link: {url!r} (allowed: http://…, https://…, file:///…, or the path of a folder)"
    )


class CrawlerDispatcher:
    """Gives each link to the first registered crawler that matches its parsed host and path.

    Hosts are compared as a whole, so `github.com.evil.org` is not GitHub.
    """

    def __init__(self, default: Crawler) -> None:
        self._default = default
        self._registered: list[tuple[Matches, Crawler]] = []

    def register(self, matches: Matches, crawler: Crawler) -> Self:
        """Adds a crawler after those that are there; returns the dispatcher."""
        self._registered.append((matches, crawler))
        return self

    def crawler_for(self, url: str) -> Crawler:
        """Returns the crawler of a link.

        Raises:
            InvalidInput: it is no web address, `file:` address or path.
        """
        parts = parsed_link(url)
        for matches, crawler in self._registered:
            if matches(parts):
                return crawler
        return self._default

    def crawl(self, link: Link) -> Generator[Document | DocumentError, None, None]:
        """Yields what the link's crawler brings in.

        Raises:
            InvalidInput: as `crawler_for`.
        """
        return self.crawler_for(link.url).crawl(link)
