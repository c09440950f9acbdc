"""Crawls of local sites: real HTTP and real crawlers, with stores in memory."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, cast

from llm_engineering.application.crawling.config import CrawlLimits
from llm_engineering.application.crawling.engine import CrawlEngine
from llm_engineering.application.crawling.outcome import EtlReport
from llm_engineering.application.crawling.visiting import CrawlState
from llm_engineering.application.ports.crawling import Link
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.infrastructure.crawlers.registry import make_crawling
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.frontier import (
    InMemoryCrawlMemory,
    InMemoryDeadLetters,
    InMemoryFrontier,
)
from tests.integration.crawlers.local_site import LocalSite

_Value = TypeVar("_Value")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Crawled:
    """Documents in the store, and reasons of failures, by path (or URL elsewhere)."""

    documents: Mapping[str, ArticleDocument]
    errors: Mapping[str, str]
    report: EtlReport


class SiteCrawling:
    """A site, and what earlier crawls left behind."""

    def __init__(
        self,
        site: LocalSite,
        *others: LocalSite,
        store: InMemoryDocumentStore | None = None,
        **limits: object,
    ) -> None:
        self.site = site
        self.store = store or InMemoryDocumentStore()
        self.state = CrawlState(InMemoryFrontier(), InMemoryCrawlMemory(), InMemoryDeadLetters())
        self.limits = CrawlLimits.model_validate({"concurrency": 4, "page_timeout_s": 2, **limits})
        self._hosts = [one.host for one in (site, *others)]

    def crawl(self, path: str = "/", **link: object) -> Crawled:
        """Crawls from a path of the site."""
        return self.run(Link.model_validate({"url": self.site.url + path, **link}))

    def run(self, *links: Link) -> Crawled:
        """Crawls links."""
        with tempfile.TemporaryDirectory() as folder:
            crawling = make_crawling(
                allowed_private_hosts=self._hosts,
                workdir=Path(folder),
                clock=lambda: NOON,
                limits=self.limits,
            )
            engine = CrawlEngine(
                crawling.dispatcher,
                crawling.robots,
                self.store,
                self.state,
                self.limits,
                lambda: NOON,
            )
            try:
                report = engine.run(links, lambda _: None)
            finally:
                crawling.close()
        documents = {
            one.url: cast("ArticleDocument", self.store.current(one.id))
            for one in self.store.documents()
        }
        errors = {failure.url: failure.reason for failure in report.failures}
        return Crawled(self._by_path(documents), self._by_path(errors), report)

    def _by_path(self, found: Mapping[str, _Value]) -> Mapping[str, _Value]:
        return {url.removeprefix(self.site.url): value for url, value in found.items()}
