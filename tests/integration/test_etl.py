"""The ETL pipeline over a real site and a real repository, with documents in memory."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from llm_engineering.application.crawling.config import CrawlLimits, EtlConfig
from llm_engineering.application.crawling.engine import CrawlEngine
from llm_engineering.application.crawling.outcome import EtlReport
from llm_engineering.application.crawling.visiting import CrawlState
from llm_engineering.bootstrap import Platform
from llm_engineering.infrastructure.crawlers.registry import make_crawling
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.frontier import (
    InMemoryCrawlMemory,
    InMemoryDeadLetters,
    InMemoryFrontier,
)
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from pipelines.etl import run_etl
from tests.integration.crawlers.local_site import LocalSite, serve_site

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class MemoryPlatform:
    """A platform with the real crawlers and stores in memory."""

    def __init__(self, workdir: Path) -> None:
        self.document_store = InMemoryDocumentStore()
        self.crawl_state = CrawlState(
            InMemoryFrontier(), InMemoryCrawlMemory(), InMemoryDeadLetters()
        )
        self._workdir = workdir
        self.resources = ExitStack()

    def crawl_engine(self, hosts: Sequence[str], limits: CrawlLimits) -> CrawlEngine:
        crawling = make_crawling(
            allowed_private_hosts=hosts, workdir=self._workdir, clock=lambda: NOON, limits=limits
        )
        self.resources.callback(crawling.close)
        return CrawlEngine(
            crawling.dispatcher,
            crawling.robots,
            self.document_store,
            self.crawl_state,
            limits,
            lambda: NOON,
        )


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[MemoryPlatform]:
    made = MemoryPlatform(tmp_path)
    with made.resources:
        yield made


def run(platform: MemoryPlatform, config: EtlConfig) -> EtlReport:
    return run_etl(cast("Platform", platform), config, SilentProgress())


def config_of(site: LocalSite, *links: object, **limits: object) -> EtlConfig:
    return EtlConfig.model_validate(
        {
            "authors": [{"name": "Ada Lovelace", "links": list(links)}],
            "allowed_private_hosts": [site.host],
            "limits": limits,
        }
    )


def test_sites_and_repositories_are_brought_in_and_refreshed(
    platform: MemoryPlatform, tmp_path: Path
) -> None:
    tides = tmp_path / "tides"
    subprocess.run(["git", "init", "--quiet", str(tides)], check=True)
    (tides / "README.md").write_text("# Tides")
    subprocess.run(["git", "-C", str(tides), "add", "README.md"], check=True)
    with serve_site() as site:
        site.article("/", "Start", "/a", "/b", "/broken")
        site.article("/a", "First")
        site.article("/b", "Second")
        config = config_of(site, {"url": site.url, "depth": 1}, str(tides))
        first = run(platform, config)
        assert [(row.new, row.failed) for row in first.rows] == [(3, 1), (1, 0)]
        assert not first.ok
        assert first.failures[0].reason == f"HTTP 404 Not Found (linked from {site.url}/)"

        site.article("/b", "Second, revised")
        site.article("/broken", "Mended")
        second = run(platform, config)
    row = second.rows[0]
    assert (row.new, row.changed, row.unchanged, row.failed) == (1, 1, 2, 0)
    assert second.rows[1].unchanged == 1
    assert second.ok
    assert platform.document_store.counts()["articles"] == 4
    assert [user.full_name for user in platform.document_store.users()] == ["Ada Lovelace"]


def test_the_limits_of_the_config_hold(platform: MemoryPlatform) -> None:
    with serve_site() as site:
        site.add("/long", "<p>word " * 2_000)
        report = run(platform, config_of(site, f"{site.url}/long", max_page_bytes=5_000))
    assert [failure.reason for failure in report.failures] == ["larger than 5,000 bytes"]


def test_loopback_is_refused_by_default(platform: MemoryPlatform) -> None:
    with serve_site() as site:
        site.article("/", "Start")
        report = run(platform, EtlConfig().with_links([site.url]))
        assert not site.hits
    assert "not a public address" in report.failures[0].reason
