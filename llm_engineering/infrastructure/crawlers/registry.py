"""The crawlers, one line each."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import SplitResult

import httpx

from llm_engineering.application.crawling.config import CrawlLimits
from llm_engineering.application.crawling.dispatcher import LOCAL_SCHEMES, CrawlerDispatcher
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.article import ArticleCrawler
from llm_engineering.infrastructure.crawlers.fetcher import Fetcher, FetchLimits
from llm_engineering.infrastructure.crawlers.git import Git, GitLimits
from llm_engineering.infrastructure.crawlers.repository import RepositoryCrawler

_REPOSITORY_HOSTS = frozenset({"github.com", "gitlab.com", "codeberg.org", "bitbucket.org"})
_NOT_OWNERS = re.compile(
    r"about|apps|collections|explore|features|marketplace|orgs|search|settings|sponsors|topics"
    r"|trending|users"
)
_OWNER_AND_NAME = 2


def make_dispatcher(
    *,
    allowed_private_hosts: Sequence[str],
    workdir: Path,
    clock: Callable[[], datetime],
    limits: CrawlLimits = CrawlLimits(),
) -> CrawlerDispatcher:
    """Returns the dispatcher of all crawlers; clones lie below `workdir` while they are read."""
    policy = AddressPolicy(frozenset(allowed_private_hosts))
    fetch_limits = FetchLimits(
        max_bytes=limits.max_page_bytes,
        deadline_s=limits.page_timeout_s,
        max_connections=limits.concurrency,
    )
    git_limits = GitLimits(
        timeout_s=limits.repository_timeout_s,
        max_pack_bytes=limits.max_repository_bytes,
        max_blob_bytes=limits.max_file_bytes,
    )
    certificates = httpx.create_ssl_context(trust_env=False)  # 20 ms: made once for all sites

    def open_fetcher() -> Fetcher:
        return Fetcher(policy, fetch_limits, ssl_context=certificates)

    articles = ArticleCrawler(open_fetcher, clock, concurrency=limits.concurrency)
    repositories = RepositoryCrawler(
        policy, Git(git_limits), workdir, clock, max_file_bytes=limits.max_file_bytes
    )
    return CrawlerDispatcher(default=articles).register(is_repository, repositories)


def is_repository(link: SplitResult) -> bool:
    """Returns whether a link is a local folder, ends in `.git`, or is `owner/name` on a forge."""
    if link.scheme in LOCAL_SCHEMES or link.path.rstrip("/").endswith(".git"):
        return True
    host = (link.hostname or "").rstrip(".").removeprefix("www.")
    segments = [segment for segment in link.path.split("/") if segment]
    return (
        host in _REPOSITORY_HOSTS
        and len(segments) == _OWNER_AND_NAME
        and not _NOT_OWNERS.fullmatch(segments[0])
    )
