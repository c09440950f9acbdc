"""Sitemaps as targets that list pages."""

from collections.abc import Generator

from llm_engineering.application.crawling.sites import same_site
from llm_engineering.application.ports.crawling import Finding, Target, Visited
from llm_engineering.domain.errors import DocumentError, FetchError
from llm_engineering.infrastructure.crawlers.fetcher import Fetcher
from llm_engineering.infrastructure.crawlers.sitemap import sitemap_pages


class SitemapCrawler:
    """Lists the pages of a sitemap, or of an index of sitemaps."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def visit(self, target: Target) -> Generator[Finding, None, None]:
        """Yields a listed target for each page, and what was unreadable."""
        yield Visited(url=target.url)
        empty = True
        for page in sitemap_pages([target.url], self._fetcher):
            if isinstance(page, DocumentError):
                empty = False
                yield page
            elif same_site(page, target.url):  # the protocol allows no other
                empty = False
                yield Target(url=page, author=target.author, listed=True)
        if empty:
            yield FetchError(target.url, "the sitemap lists no page of its site")
