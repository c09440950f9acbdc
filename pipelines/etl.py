"""The ETL pipeline: from links to documents in the store."""

from llm_engineering.application.crawling.config import EtlConfig
from llm_engineering.application.crawling.outcome import EtlReport
from llm_engineering.application.ports.progress import Progress
from llm_engineering.bootstrap import Platform
from pipelines.steps.crawl import crawl_links, retry_failures


def run_etl(platform: Platform, config: EtlConfig, progress: Progress) -> EtlReport:
    """Crawls the links of the config and stores every document as it arrives.

    A run that was cut off goes on where it was when the same links are crawled again. A run after
    a finished one asks for what has changed since.

    Raises:
        InvalidInput: a link is of no kind that can be crawled.
        StoreUnavailable: the store cannot be reached; the run stops, what was stored is kept.
    """
    engine = platform.crawl_engine(config.allowed_private_hosts, config.limits)
    return crawl_links(config.links, engine, progress)


def run_etl_retry(platform: Platform, config: EtlConfig, progress: Progress) -> EtlReport:
    """Visits again all that failed in earlier runs; private hosts and limits are the config's.

    Raises:
        StoreUnavailable: the store cannot be reached.
    """
    engine = platform.crawl_engine(config.allowed_private_hosts, config.limits)
    return retry_failures(platform.crawl_state.letters.all(), engine, progress)
