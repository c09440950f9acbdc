from llm_engineering.application.ports.crawling import Link
from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from pipelines.steps.crawl import crawl_links, retry_failures
from tests.unit.application.crawling.scripted_crawls import HOME, ScriptedCrawl, page

DOWN = FetchError(HOME, "HTTP 503", transient=True)


def test_links_are_crawled_behind_one_bar() -> None:
    crawl, progress = ScriptedCrawl({"https://b.org/": DOWN}), SilentProgress()
    report = crawl_links([Link(url=HOME), Link(url="https://b.org/")], crawl.engine, progress)
    assert [(row.new, row.failed) for row in report.rows] == [(1, 0), (0, 1)]
    assert progress.done == {"crawl 2 links": 2}


def test_failures_are_retried_behind_one_bar() -> None:
    crawl, progress = ScriptedCrawl({HOME: DOWN}), SilentProgress()
    crawl_links([Link(url=HOME)], crawl.engine, progress)
    crawl.crawler.scripts[HOME] = [page(HOME)]
    report = retry_failures(crawl.letters.all(), crawl.engine, progress)
    assert [(row.link, row.new, row.failed) for row in report.rows] == [(HOME, 1, 0)]
    assert progress.done == {"crawl 1 link": 1, "retry 1 failure": 1}
    assert not crawl.letters.all()
