"""Crawl links and store what they hold."""

from collections.abc import Sequence
from contextlib import closing

from llm_engineering.application.crawling.dispatcher import CrawlerDispatcher
from llm_engineering.application.crawling.outcome import EtlReport, OutcomeTally, SiteOutcome
from llm_engineering.application.ports.crawling import Link
from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.domain.errors import DocumentError


def crawl_links(
    links: Sequence[Link], dispatcher: CrawlerDispatcher, store: DocumentStore, progress: Progress
) -> EtlReport:
    """Stores each document as it arrives and returns the counts of every link.

    A document that fails is counted; the rest is kept.

    Raises:
        InvalidInput: a link is of no kind that can be crawled; nothing was fetched then.
        StoreUnavailable: the store cannot take a document; what it took before is kept.
    """
    for link in links:
        dispatcher.crawler_for(link.url)
    return EtlReport(rows=tuple(_crawl_site(link, dispatcher, store, progress) for link in links))


def _crawl_site(
    link: Link, dispatcher: CrawlerDispatcher, store: DocumentStore, progress: Progress
) -> SiteOutcome:
    tally = OutcomeTally(link.url)
    stage = progress.stage(f"crawl {link.url}")
    # closing: when the store fails, no page is fetched any more
    with stage as advance, closing(dispatcher.crawl(link)) as items:
        for item in items:
            if isinstance(item, DocumentError):
                tally.failed(item)
            else:
                tally.saved(store.save(item))
            advance(1)
    return tally.outcome()
