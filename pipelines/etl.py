"""The ETL pipeline: from links to documents in the store."""

from llm_engineering.application.crawling.config import EtlConfig
from llm_engineering.application.crawling.outcome import EtlReport
from llm_engineering.application.ports.progress import Progress
from llm_engineering.bootstrap import Platform
from pipelines.steps.crawl import crawl_links


def run_etl(platform: Platform, config: EtlConfig, progress: Progress) -> EtlReport:
    """Crawls the links of the config and stores every document as it arrives.

    Raises:
        InvalidInput: a link is of no kind that can be crawled.
        StoreUnavailable: the store cannot be reached; the run stops, what was stored is kept.
    """
    store = platform.document_store
    dispatcher = platform.crawler_dispatcher(config.allowed_private_hosts, config.limits)
    return crawl_links(config.links, dispatcher, store, progress)
