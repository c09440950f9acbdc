"""CPU time of a crawl beside extraction, storage included, and its memory.

    python -m benchmarks.crawling --pages 10000
    python -m benchmarks.crawling --url http://127.0.0.1:8765/index.html

The site is served by another process, MongoDB is the embedded server, also a process of its own:
their CPU time does not count. The second round asks for the same pages by their ETag.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

from lxml import html

from llm_engineering.application.crawling.config import EtlConfig
from llm_engineering.application.crawling.outcome import EtlReport
from llm_engineering.bootstrap import Platform
from llm_engineering.infrastructure.crawlers import article
from llm_engineering.infrastructure.crawlers.extraction import Extraction, extract
from llm_engineering.settings import Settings

CONNECTIONS = 8
BAR_MS = 35.0
_DEPTH = 20
_MARKS = 10


class ExtractionTime:
    """Measures the CPU time of extraction by standing before it."""

    def __init__(self) -> None:
        self.cpu_s = 0.0
        self._lock = threading.Lock()
        patch.object(article, "extract", self._timed).start()

    def _timed(self, tree: html.HtmlElement, url: str, now: datetime) -> Extraction:
        begun = time.thread_time()
        try:
            return extract(tree, url, now)
        finally:
            with self._lock:
                self.cpu_s += time.thread_time() - begun


class Memory:
    """Notes the resident memory each time another tenth of the pages is done."""

    def __init__(self, pages: int) -> None:
        self.marks: list[tuple[int, int]] = []
        self._step = max(1, pages // _MARKS)
        self._done = 0

    def advance(self, amount: int) -> None:
        """Counts pages."""
        self._done += amount
        if self._done // self._step > len(self.marks):
            self.marks.append((self._done, resident_mb()))


def resident_mb() -> int:
    """Returns the resident memory of this process in MB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) // 1024 if found else 0


@contextmanager
def generated_site(pages: int) -> Iterator[str]:
    """Serves generated pages from another process."""
    command = [sys.executable, "-m", "benchmarks.crawl_site", str(pages)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - ours
        port = server.stdout.readline() if server.stdout else ""
        try:
            yield f"http://127.0.0.1:{int(port)}/"
        finally:
            server.terminate()


def crawl(platform: Platform, config: EtlConfig, memory: Memory) -> EtlReport:
    """Returns the report of one round."""
    engine = platform.crawl_engine(config.allowed_private_hosts, config.limits)
    return engine.run(config.links, memory.advance)


def measure(platform: Platform, url: str, pages: int) -> None:
    """Prints the figures of a first and a second round."""
    link = {"url": url, "depth": _DEPTH, "max_pages": pages}
    config = EtlConfig.model_validate(
        {
            "authors": [{"links": [link]}],
            "allowed_private_hosts": [urlsplit(url).netloc],
            "limits": {"concurrency": CONNECTIONS, "per_host": CONNECTIONS},
        }
    )
    platform.document_store.ping()
    extraction = ExtractionTime()
    for name in ("first round", "second round"):
        memory = Memory(pages)
        extraction.cpu_s, begun, wall = 0.0, time.process_time(), time.monotonic()
        (row,) = crawl(platform, config, memory).rows
        cpu_s, wall_s = time.process_time() - begun, time.monotonic() - wall
        count = row.fetched + row.failed
        beside = (cpu_s - extraction.cpu_s) * 1000 / count
        print(
            f"{name}: {row.new:,} new, {row.unchanged:,} unchanged, {row.failed:,} failed; "
            f"CPU {cpu_s:.1f} s, of it extraction {extraction.cpu_s:.1f} s; "
            f"beside extraction {beside:.2f} ms a page (bar {BAR_MS:g}); wall {wall_s:.0f} s"
        )
        print("  resident MB at pages:", ", ".join(f"{at:,}: {mb}" for at, mb in memory.marks))


def main() -> None:
    """Parses the arguments, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=526)
    parser.add_argument("--url", help="a site that is served already")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate({"DATA_DIR": folder})
        with Platform(settings) as platform:
            if arguments.url:
                measure(platform, arguments.url, arguments.pages)
                return
            with generated_site(arguments.pages) as url:
                measure(platform, url, arguments.pages)


if __name__ == "__main__":
    main()
