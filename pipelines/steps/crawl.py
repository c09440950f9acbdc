"""Crawl links and store what they hold."""

from collections.abc import Sequence

from llm_engineering.application.crawling.engine import CrawlEngine
from llm_engineering.application.crawling.outcome import EtlReport
from llm_engineering.application.ports.crawling import Link
from llm_engineering.application.ports.frontier import DeadLetter
from llm_engineering.application.ports.progress import Progress


def crawl_links(links: Sequence[Link], engine: CrawlEngine, progress: Progress) -> EtlReport:
    """Stores each document as it arrives and returns the counts of every link.

    A document that fails is counted; the rest is kept.

    Raises:
        InvalidInput: a link is of no kind that can be crawled; nothing was fetched then.
        StoreUnavailable: the store cannot take a document; what it took before is kept.
    """
    with progress.stage(_named("crawl", len(links), "link")) as advance:
        return engine.run(links, advance)


def retry_failures(
    letters: Sequence[DeadLetter], engine: CrawlEngine, progress: Progress
) -> EtlReport:
    """Visits again what failed and returns the counts of every link.

    Raises:
        StoreUnavailable: the store cannot take a document.
    """
    with progress.stage(_named("retry", len(letters), "failure")) as advance:
        return engine.retry(letters, advance)


def _named(verb: str, count: int, noun: str) -> str:
    return f"{verb} {count:,} {noun}{'s' * (count != 1)}"
