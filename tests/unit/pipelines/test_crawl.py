from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from llm_engineering.application.crawling.dispatcher import CrawlerDispatcher
from llm_engineering.application.ports.crawling import Link
from llm_engineering.domain.documents import ArticleDocument, Document
from llm_engineering.domain.errors import (
    DocumentError,
    ExtractionError,
    InvalidInput,
    StoreUnavailable,
)
from llm_engineering.domain.types import SaveOutcome
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from pipelines.steps.crawl import crawl_links

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SITE = Link(url="https://a.org/")
OTHER = Link(url="https://b.org/")


def page(url: str, content: str = "The water comes and goes.") -> Document:
    return ArticleDocument.create(
        url=url, title="Tides", content=content, platform="a.org", fetched_at=NOON
    )


class ScriptedCrawler:
    """Yields the items of each link's script; `closed` tells that the crawl ended."""

    def __init__(self, scripts: dict[str, list[Document | DocumentError]]) -> None:
        self._scripts = scripts
        self.yielded = 0
        self.closed = 0

    def crawl(self, link: Link) -> Generator[Document | DocumentError, None, None]:
        try:
            for item in self._scripts[link.url]:
                self.yielded += 1
                yield item
        finally:
            self.closed += 1


class FullStore(InMemoryDocumentStore):
    """Has room for a number of documents, and is then out of reach."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def save(self, document: Document) -> SaveOutcome:
        if self._room == 0:
            raise StoreUnavailable("MongoDB: no space left on device")
        self._room -= 1
        return super().save(document)


def test_every_document_is_stored_and_counted_by_link() -> None:
    crawler = ScriptedCrawler(
        {
            SITE.url: [page("https://a.org/1"), ExtractionError("https://a.org/2", "no text")],
            OTHER.url: [page("https://b.org/1"), page("https://b.org/2")],
        }
    )
    store, progress = InMemoryDocumentStore(), SilentProgress()
    report = crawl_links([SITE, OTHER], CrawlerDispatcher(crawler), store, progress)
    assert [(row.link, row.fetched, row.failed) for row in report.rows] == [
        ("https://a.org/", 1, 1),
        ("https://b.org/", 2, 0),
    ]
    assert {document.url for document in store.documents()} == {
        *("https://a.org/1", "https://b.org/1", "https://b.org/2")
    }
    assert progress.done == {"crawl https://a.org/": 2, "crawl https://b.org/": 2}
    assert crawler.closed == 2


def test_a_second_run_tells_new_changed_and_unchanged_apart() -> None:
    store = InMemoryDocumentStore()

    def run(*items: Document | DocumentError) -> tuple[int, int, int]:
        dispatcher = CrawlerDispatcher(ScriptedCrawler({SITE.url: list(items)}))
        (row,) = crawl_links([SITE], dispatcher, store, SilentProgress()).rows
        return row.new, row.changed, row.unchanged

    assert run(page("https://a.org/1"), page("https://a.org/2")) == (2, 0, 0)
    later = page("https://a.org/2", "The water stays.")
    assert run(page("https://a.org/1"), later, page("https://a.org/3")) == (1, 1, 1)


def test_a_store_that_fails_stops_the_run_and_the_crawl() -> None:
    pages: list[Document | DocumentError] = [page(f"https://a.org/{n}") for n in range(9)]
    crawler = ScriptedCrawler({SITE.url: pages, OTHER.url: pages})
    store = FullStore(room=2)
    with pytest.raises(StoreUnavailable, match="no space left"):
        crawl_links([SITE, OTHER], CrawlerDispatcher(crawler), store, SilentProgress())
    assert len(list(store.documents())) == 2, "what was taken is kept"
    assert (crawler.yielded, crawler.closed) == (3, 1)


def test_a_wrong_link_is_refused_before_anything_is_fetched() -> None:
    crawler = ScriptedCrawler({SITE.url: [page("https://a.org/1")]})
    links = [SITE, Link(url="ftp://c.org/x")]
    with pytest.raises(InvalidInput, match=r"ftp://c\.org/x"):
        crawl_links(links, CrawlerDispatcher(crawler), InMemoryDocumentStore(), SilentProgress())
    assert crawler.yielded == 0


def test_no_links_make_an_empty_report() -> None:
    dispatcher = CrawlerDispatcher(ScriptedCrawler({}))
    report = crawl_links([], dispatcher, InMemoryDocumentStore(), SilentProgress())
    assert report.ok
    assert report.rows == ()
