"""The ETL pipeline: links in, documents out, and what is left for a second try."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from llm_engineering.application.crawling.config import CrawlLimits, EtlConfig
from llm_engineering.application.crawling.engine import CrawlEngine
from llm_engineering.domain.documents import Document
from llm_engineering.domain.errors import FetchError, StoreUnavailable
from llm_engineering.domain.types import SaveOutcome
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from pipelines.etl import run_etl, run_etl_retry
from tests.platforms import InMemoryPlatform
from tests.unit.application.crawling.scripted_crawls import HOME, ScriptedCrawl, links, page

DOWN = FetchError(f"{HOME}a", "HTTP 503", transient=True)


@pytest.fixture
def platform(tmp_path: Path) -> InMemoryPlatform:
    return InMemoryPlatform(tmp_path, {HOME: [page(HOME), *links(f"{HOME}a", f"{HOME}b")]})


def config(*urls: str, **link: object) -> EtlConfig:
    given = [{"url": url, **link} for url in urls]
    return EtlConfig.model_validate({"authors": [{"name": "Ada Lovelace", "links": given}]})


def test_links_become_documents_with_a_row_each(platform: InMemoryPlatform) -> None:
    progress = SilentProgress()
    report = run_etl(platform, config(HOME, "https://b.org/", depth=1), progress)
    assert [(row.link, row.new) for row in report.rows] == [(HOME, 3), ("https://b.org/", 1)]
    assert report.ok
    assert progress.done == {"crawl 2 links": 4}


def test_nothing_to_crawl_is_an_empty_report(platform: InMemoryPlatform) -> None:
    report = run_etl(platform, EtlConfig(), SilentProgress())
    assert (report.rows, report.ok) == ((), True)


def test_a_second_run_stores_nothing_new(platform: InMemoryPlatform) -> None:
    run_etl(platform, config(HOME, depth=1), SilentProgress())
    report = run_etl(platform, config(HOME, depth=1), SilentProgress())
    assert [(row.new, row.changed, row.unchanged) for row in report.rows] == [(0, 0, 3)]


def test_a_changed_page_is_a_change_and_both_revisions_stay(platform: InMemoryPlatform) -> None:
    run_etl(platform, config(f"{HOME}a"), SilentProgress())
    platform.crawl.crawler.scripts[f"{HOME}a"] = [page(f"{HOME}a", "The water is gone.")]
    report = run_etl(platform, config(f"{HOME}a"), SilentProgress())
    assert [row.changed for row in report.rows] == [1]
    (document,) = platform.documents.documents()
    assert document.content == "The water is gone."
    assert len(platform.documents.revisions(document.id)) == 2


def test_hosts_and_limits_of_the_configuration_reach_the_crawl(
    platform: InMemoryPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Sequence[str], CrawlLimits]] = []

    def engine(hosts: Sequence[str], limits: CrawlLimits) -> CrawlEngine:
        seen.append((hosts, limits))
        return platform.crawl.engine

    monkeypatch.setattr(platform, "crawl_engine", engine)
    given = EtlConfig.model_validate(
        {"allowed_private_hosts": ["WIKI.local:8080"], "limits": {"delay_s": 2.5}}
    )
    run_etl(platform, given, SilentProgress())
    run_etl_retry(platform, given, SilentProgress())
    assert [hosts for hosts, _ in seen] == [("wiki.local:8080",)] * 2
    assert {limits.delay_s for _, limits in seen} == {2.5}


def test_only_what_failed_is_tried_again(platform: InMemoryPlatform) -> None:
    platform.crawl.crawler.scripts[f"{HOME}a"] = DOWN
    first = run_etl(platform, config(HOME, depth=1), SilentProgress())
    assert [(row.new, row.failed) for row in first.rows] == [(2, 1)]
    visited = len(platform.crawl.crawler.visits)
    platform.crawl.crawler.scripts[f"{HOME}a"] = [page(f"{HOME}a")]
    again = run_etl_retry(platform, EtlConfig(), SilentProgress())
    assert platform.crawl.crawler.urls[visited:] == [f"{HOME}a"]
    assert [(row.link, row.new, row.failed) for row in again.rows] == [(HOME, 1, 0)]
    assert platform.crawl_state.letters.all() == []


def test_a_retry_of_nothing_visits_nothing(platform: InMemoryPlatform) -> None:
    report = run_etl_retry(platform, config(HOME), SilentProgress())
    assert report.rows == ()
    assert platform.crawl.crawler.visits == []


def test_an_outage_stops_the_run_and_the_next_one_goes_on(platform: InMemoryPlatform) -> None:
    class Breaking(InMemoryDocumentStore):
        left = 1

        def save(self, document: Document) -> SaveOutcome:
            self.left -= 1
            if self.left < 0:
                raise StoreUnavailable("gone")
            return super().save(document)

    store = Breaking()
    crawl = ScriptedCrawl(platform.crawl.crawler.scripts, store=store)
    platform.crawl = crawl
    with pytest.raises(StoreUnavailable):
        run_etl(platform, config(HOME, depth=1), SilentProgress())
    store.left = 10
    report = run_etl(platform, config(HOME, depth=1), SilentProgress())
    assert sum(row.fetched for row in report.rows) == 2
    assert crawl.stored == {"/", "/a", "/b"}
