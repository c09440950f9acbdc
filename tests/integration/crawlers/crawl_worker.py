"""A process that crawls a site into a MongoDB: `crawl_worker.py URI DATABASE HOST LEASE_S`."""

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from llm_engineering.application.crawling.config import CrawlLimits
from llm_engineering.application.crawling.engine import CrawlEngine
from llm_engineering.application.crawling.visiting import CrawlState
from llm_engineering.application.ports.crawling import Link
from llm_engineering.infrastructure.crawlers.registry import make_crawling
from llm_engineering.infrastructure.mongo.crawl_memory import MongoCrawlMemory, MongoDeadLetters
from llm_engineering.infrastructure.mongo.database import MongoDatabase
from llm_engineering.infrastructure.mongo.frontier import MongoFrontier
from llm_engineering.infrastructure.mongo.store import MongoDocumentStore


def now() -> datetime:
    return datetime.now(UTC)


def crawl(uri: str, name: str, host: str, lease_s: float) -> str:
    """Returns the report as JSON."""
    limits = CrawlLimits(concurrency=4)
    database, store = MongoDatabase.connect(uri, name), MongoDocumentStore.connect(uri, name)
    state = CrawlState(
        MongoFrontier(database), MongoCrawlMemory(database), MongoDeadLetters(database)
    )
    with tempfile.TemporaryDirectory() as folder:
        made = make_crawling(
            allowed_private_hosts=[host], workdir=Path(folder), clock=now, limits=limits
        )
        engine = CrawlEngine(
            made.dispatcher, made.robots, store, state, limits, now, lease_s=lease_s
        )
        report = engine.run([Link(url=f"http://{host}/", depth=2)], lambda _: None)
        made.close()
    store.close()
    database.close()
    return report.to_json()


if __name__ == "__main__":
    uri, name, host, lease_s = sys.argv[1:]
    sys.stdout.write(crawl(uri, name, host, float(lease_s)))
