"""Sites: what links stay within, and how a site's sitemaps are found."""

from collections.abc import Generator
from urllib.parse import urljoin, urlsplit

from llm_engineering.application.ports.crawling import (
    Finding,
    Link,
    RobotsRules,
    Target,
    Visited,
)
from llm_engineering.domain.ids import canonical_url

SITEMAP = "sitemap"
SITEMAPS_OF_SITE = "sitemaps-of-site"
FEED = "feed"
BROWSER = "browser"
_SITEMAP_FILES = (".xml", ".xml.gz")


def host_of(url: str) -> str:
    """Returns host and port of a canonical URL; empty for local folders."""
    return urlsplit(url).netloc


def same_site(url: str, other: str) -> bool:
    """Returns whether two canonical URLs are on one host and port; http and https are one site."""
    return host_of(url) == host_of(other)


def start_of(link: Link) -> Target:
    """Returns the target that a crawl of the link begins with.

    Raises:
        InvalidInput: the link's URL is none.
    """
    web = link.url.strip().lower().startswith(("http:", "https:"))
    url = canonical_url(link.url) if web else link.url.strip()
    start = Target(url=url, author=link.author, depth=link.depth, max_pages=link.max_pages)
    if link.feed:
        return start.model_copy(update={"via": FEED})
    if link.browser:
        return start.model_copy(update={"via": BROWSER})
    if not link.sitemap:
        return start
    if urlsplit(url).path.endswith(_SITEMAP_FILES):
        return start.model_copy(update={"depth": 0, "via": SITEMAP})
    # not the link itself: that is most often a page which the sitemap lists
    robots = urljoin(url, "/robots.txt")
    return start.model_copy(update={"url": robots, "depth": 0, "via": SITEMAPS_OF_SITE})


class SitemapsOfSite:
    """Finds the sitemaps of a site: those of its robots.txt, else the usual one."""

    def __init__(self, robots: RobotsRules) -> None:
        self._robots = robots

    def visit(self, target: Target) -> Generator[Finding, None, None]:
        """Yields a listed target for each sitemap.

        Raises:
            FetchError: the site does not answer.
        """
        yield Visited(url=target.url)
        named = self._robots.of_site(target.url).sitemaps
        for url in named or [urljoin(target.url, "/sitemap.xml")]:
            yield Target(
                url=url,
                author=target.author,
                max_pages=target.max_pages,
                listed=True,
                via=SITEMAP,
            )
