"""The crawlers, one line each."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import SplitResult

from llm_engineering.application.crawling.config import CrawlLimits
from llm_engineering.application.crawling.dispatcher import (
    LOCAL_SCHEMES,
    CrawlerDispatcher,
    Route,
    any_link,
    no_link,
)
from llm_engineering.application.crawling.sites import (
    FEED,
    SITEMAP,
    SITEMAPS_OF_SITE,
    SitemapsOfSite,
)
from llm_engineering.infrastructure.crawlers import medium, substack
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.article import ArticleCrawler
from llm_engineering.infrastructure.crawlers.browsing import (
    Browsing,
    BrowsingCrawlers,
    make_browsing_crawlers,
)
from llm_engineering.infrastructure.crawlers.fetcher import Fetcher, FetchLimits
from llm_engineering.infrastructure.crawlers.git import Git, GitLimits
from llm_engineering.infrastructure.crawlers.github import GitHubOwnerCrawler, is_owner
from llm_engineering.infrastructure.crawlers.listing import (
    MAX_BYTES,
    PAGE_ROUTE,
    ElsewhereCrawler,
    ListingCrawler,
    is_feed_link,
    is_sitemap_link,
)
from llm_engineering.infrastructure.crawlers.local_folder import FolderLimits, LocalFolderCrawler
from llm_engineering.infrastructure.crawlers.repository import RepositoryCrawler
from llm_engineering.infrastructure.crawlers.robots import RobotsOfSites

_REPOSITORY_HOSTS = frozenset({"github.com", "gitlab.com", "codeberg.org", "bitbucket.org"})
_NOT_OWNERS = re.compile(
    r"about|apps|collections|explore|features|marketplace|orgs|search|settings|sponsors|topics"
    r"|trending|users"
)
_OWNER_AND_NAME = 2


@dataclass(frozen=True)
class Crawling:
    """All crawlers and what they share. Close it to give connections back."""

    dispatcher: CrawlerDispatcher
    robots: RobotsOfSites
    close: Callable[[], None]


def make_crawling(
    *,
    allowed_private_hosts: Sequence[str],
    workdir: Path,
    clock: Callable[[], datetime],
    limits: CrawlLimits = CrawlLimits(),
    github_token: str | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    browsing: Browsing | None = None,
) -> Crawling:
    """Returns the crawlers; clones lie below `workdir` while they are read.

    A link goes to the first route that matches it. A new crawler is one line here. `github_token`
    raises the limit of requests to GitHub's API; clones do without it. Without `browsing` there is
    no crawler for LinkedIn and none for `browser: true`.
    """
    policy = AddressPolicy(frozenset(allowed_private_hosts))
    fetcher = Fetcher(policy, _fetch_limits(limits), monotonic=monotonic)
    robots = RobotsOfSites(fetcher, monotonic)
    git = Git(
        GitLimits(
            timeout_s=limits.repository_timeout_s,
            max_pack_bytes=limits.max_repository_bytes,
            max_blob_bytes=limits.max_file_bytes,
        )
    )
    repositories = RepositoryCrawler(
        policy, git, workdir, clock, max_file_bytes=limits.max_file_bytes
    )
    folders = LocalFolderCrawler(repositories, clock, _folder_limits(limits), monotonic=monotonic)
    list_fetcher = Fetcher(policy, _list_limits(limits), monotonic=monotonic)
    lists = ListingCrawler(list_fetcher, clock)
    owners = GitHubOwnerCrawler(fetcher, token=github_token)
    articles = ArticleCrawler(fetcher, clock)
    browsers = (
        make_browsing_crawlers(browsing, policy, fetcher, clock)
        if browsing
        else BrowsingCrawlers((), lambda: None)
    )
    routes = (
        *browsers.routes,
        Route("local", is_local, folders, polite=False, complete=True, at_once=2),
        Route("repository", is_repository, repositories, polite=False, complete=True, at_once=2),
        Route(SITEMAPS_OF_SITE, no_link, SitemapsOfSite(robots), polite=False, complete=True),
        Route("github", is_owner, owners, polite=False, complete=True),
        Route("medium", medium.is_list, ElsewhereCrawler(medium.feed_of, FEED)),
        Route("substack", substack.is_publication, ElsewhereCrawler(substack.feed_of, FEED)),
        Route("archive", substack.is_archive, ElsewhereCrawler(substack.sitemap_of, SITEMAP)),
        Route(SITEMAP, is_sitemap_link, lists, complete=True),
        Route(FEED, is_feed_link, lists),
        Route(PAGE_ROUTE, any_link, articles, complete=True),
    )

    def close() -> None:
        browsers.close()
        fetcher.close()
        list_fetcher.close()

    return Crawling(CrawlerDispatcher(routes), robots, close)


def _fetch_limits(limits: CrawlLimits) -> FetchLimits:
    return FetchLimits(
        max_bytes=limits.max_page_bytes,
        deadline_s=limits.page_timeout_s,
        max_connections=2 * limits.concurrency,  # a visit may fetch a robots.txt in between
    )


def _list_limits(limits: CrawlLimits) -> FetchLimits:
    """A sitemap or a feed may be larger than any page."""
    most = max(MAX_BYTES, limits.max_page_bytes)
    return replace(_fetch_limits(limits), max_bytes=most)


def _folder_limits(limits: CrawlLimits) -> FolderLimits:
    return FolderLimits(
        max_text_bytes=limits.max_page_bytes,
        max_document_bytes=limits.max_document_bytes,
        timeout_s=limits.page_timeout_s,
    )


def is_local(link: SplitResult) -> bool:
    """Returns whether a link is a folder or a file of this machine."""
    return link.scheme in LOCAL_SCHEMES


def is_repository(link: SplitResult) -> bool:
    """Returns whether a link of the web ends in `.git`, or is `owner/name` on a forge."""
    if is_local(link):
        return False
    if link.path.rstrip("/").endswith(".git"):
        return True
    host = (link.hostname or "").rstrip(".").removeprefix("www.")
    segments = [segment for segment in link.path.split("/") if segment]
    return (
        host in _REPOSITORY_HOSTS
        and len(segments) == _OWNER_AND_NAME
        and not _NOT_OWNERS.fullmatch(segments[0])
    )
