"""CPU time of indexing again after some documents changed, beside indexing all of them, in one run.

    python -m benchmarks.reindexing --documents 2000 --changed 0.01

Documents are pieces of Python's standard library. A changed one gets another sentence in its middle
and goes through the store, as a crawl would bring it. Each run is `run_feature` with the defaults
of `configs/feature.yaml` and MiniLM, on one core; CPU time is that of the process and of the
embedded MongoDB. Prints each run's seconds, its share of the first, and what was embedded.
"""

import argparse
import random
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.embedding import ROOT, processor, use_cores
from benchmarks.rival_stacks.processes import mentioning, seconds_of
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.settings import load_config, load_settings
from pipelines.feature import run_feature

PIECE = 2000  # characters
FIRST_VISIT = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    """Parses the arguments, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--changed", type=float, default=0.01, help="share, 0.0-1.0")
    parser.add_argument("--rounds", type=int, default=3, help="times that documents change")
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    use_cores(1)
    order = random.Random(arguments.seed)  # noqa: S311 - which documents change
    texts = pieces(arguments.documents)
    count = max(1, round(arguments.changed * len(texts)))
    print(f"seed {arguments.seed}, {len(texts):,} documents, {count} change; {processor()}")
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(DATA_DIR=Path(folder), MODELS_DIR=ROOT / ".models")
        platform = Platform(settings)
        try:
            platform.embedding_model.embed_queries(["load"])
            platform.document_store.ping()
            servers = mentioning(folder)  # mongod and its keeper
            save(platform, texts, range(len(texts)), visit=0)
            first = measured(platform, "all documents", None, servers)
            measured(platform, "nothing changed", first, servers)
            for visit in range(1, arguments.rounds + 1):
                chosen = order.sample(range(len(texts)), count)
                for number in chosen:
                    texts[number] = changed(texts[number], visit)
                save(platform, texts, chosen, visit)
                measured(platform, f"{count} changed", first, servers)
        finally:
            platform.close()


def pieces(count: int) -> list[str]:
    """Returns pieces of the standard library's modules, cut between lines."""
    found: list[str] = []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        piece = ""
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
            piece += line
            if len(piece) >= PIECE:
                found.append(piece)
                piece = ""
        if len(found) >= count:
            break
    return found[:count]


def changed(text: str, visit: int) -> str:
    """Returns a text with a sentence more in its middle."""
    lines = text.splitlines(keepends=True)
    middle = len(lines) // 2
    return "".join([*lines[:middle], f"\n# Seen again on visit {visit}.\n\n", *lines[middle:]])


def save(platform: Platform, texts: Sequence[str], numbers: Sequence[int], visit: int) -> None:
    """Stores those documents as a crawl would."""
    for number in numbers:
        document = ArticleDocument.create(
            url=f"https://example.org/{number}",
            title=f"Piece {number}",
            content=texts[number],
            platform="example.org",
            fetched_at=FIRST_VISIT + timedelta(days=visit),
        )
        platform.document_store.save(document)


def measured(platform: Platform, name: str, first: float | None, servers: Sequence[str]) -> float:
    """Runs the feature pipeline, prints what it took, and returns the CPU seconds."""
    config = load_config(ROOT / "configs/feature.yaml", FeatureConfig)
    before = time.process_time() + seconds_of(servers)
    report = run_feature(platform, config, SilentProgress())
    spent = time.process_time() + seconds_of(servers) - before
    share = f", {spent / first:.2%} of the first" if first else ""
    stages = " ".join(f"{stage} {seconds:.2f}" for stage, seconds in report.cpu_s.items())
    print(
        f"  {name:16} {spent:7.2f} s of CPU{share}; {report.documents_changed} documents, "
        f"{report.chunks_embedded} chunks embedded, {report.chunks_reused} reused ({stages})",
        flush=True,
    )
    return spent


if __name__ == "__main__":
    main()
