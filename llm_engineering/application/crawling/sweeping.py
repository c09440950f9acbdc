"""After a round: pages that the sitemap of their site no longer names."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from llm_engineering.application.ports.frontier import CrawlMemory, Frontier, PageMemory, Round
from llm_engineering.application.ports.storage import DocumentStore

_BATCH = 500


def sweep(
    frontier: Frontier,
    memory: CrawlMemory,
    store: DocumentStore,
    round_: Round,
    number: int,
    link: str,
    missing_runs: int,
    now: datetime,
) -> int:
    """Counts in how many runs pages have been missing; marks those of `missing_runs` gone.

    Args:
        frontier: knows what the sitemap named in this round.
        memory: knows what it named before.
        store: holds the documents of the pages.
        round_: the round that has just ended.
        number: the link within the crawl.
        link: its URL.
        missing_runs: after so many runs in a row a page is gone.
        now: the present time.

    Returns:
        How many documents are gone now.
    """
    gone = 0
    for pages in _batches(memory.listed_by(link)):
        named = frontier.known(round_, number, [page.url for page in pages])
        counts = {
            page.url: 0 if page.url in named else page.missing + 1
            for page in pages
            if page.missing or page.url not in named
        }
        memory.note_missing({url: runs for url, runs in counts.items() if runs < missing_runs})
        for page in pages:
            if counts.get(page.url, 0) >= missing_runs:
                reason = f"missing from the sitemap in {missing_runs} runs"
                gone += sum(store.mark_gone(one, now, reason) for one in page.documents)
                memory.drop(page.url)
    return gone


def _batches(pages: Iterator[PageMemory]) -> Iterable[list[PageMemory]]:
    while batch := list(islice(pages, _BATCH)):
        yield batch
