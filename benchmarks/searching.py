"""CPU time of the embedded index beside qdrant-client's local mode, on made-up chunks, in one run.

    python -m benchmarks.searching --chunks 100000 --rival-chunks 42000

Each question is searched by meaning and by words among the chunks of one author, the two rankings
are fused and the best passages read, with the default values of `configs/rag.yaml`. Chunks are
noise around topics, so that neighbours exist; the seed is printed. Recall is that of the ten
nearest by vector, against NumPy's exact search. Prints medians, ratios and raw figures.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import numpy as np
import numpy.typing as npt

from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.application.rag.config import RagConfig
from llm_engineering.application.rag.fusion import Ranking, fuse
from llm_engineering.application.rag.passages import read_passages
from llm_engineering.domain.embedded_chunks import EmbeddedArticleChunk, SparseVector
from llm_engineering.domain.ids import document_id
from llm_engineering.domain.queries import Arm, EmbeddedQuery, SearchFilters
from llm_engineering.domain.releases import Generation
from llm_engineering.infrastructure.qdrant.edge import EdgeChunkIndex
from llm_engineering.infrastructure.qdrant.server import ServerChunkIndex

Matrix = npt.NDArray[np.float32]
DIMENSION, TOPICS, TERMS, CHUNKS_A_DOCUMENT, BATCH = 384, 1000, 30_000, 10, 1000
GENERATION = Generation(embedder="noise", chunker="noise", dimension=DIMENSION)
TOP = 10
CONFIG = RagConfig()


class Corpus:
    """Made-up chunks and questions: the same for the same seed."""

    def __init__(self, size: int, authors: int, questions: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        topics = random.normal(size=(TOPICS, DIMENSION))
        self.topic = random.integers(TOPICS, size=size)
        self.author = random.integers(authors, size=size)
        self.vectors = _unit(topics[self.topic] + random.normal(size=(size, DIMENSION)))
        self.terms = random.zipf(1.3, size=(size, 60)) % TERMS
        about = random.integers(size, size=questions)
        noise = random.normal(size=(questions, DIMENSION))
        vectors = _unit(self.vectors[about] * np.sqrt(DIMENSION) + 0.5 * noise)
        self.questions = [
            EmbeddedQuery(
                text="a question",
                filters=SearchFilters(authors=(_name(int(self.author[one])),)),
                embedding=tuple(map(float, vector)),
                sparse=_sparse(self.terms[one][:8]),
            )
            for one, vector in zip(about, vectors, strict=True)
        ]

    def chunks(self, size: int) -> Iterator[list[EmbeddedArticleChunk]]:
        """Yields the first chunks, in batches."""
        for start in range(0, size, BATCH):
            yield [self._chunk(number) for number in range(start, min(size, start + BATCH))]

    def nearest(self, question: EmbeddedQuery, size: int) -> set[UUID]:
        """Returns the ids of the nearest chunks of the question's author, by exact search."""
        (author,) = question.filters.authors
        own = [n for n in range(size) if _name(int(self.author[n])) == author]
        scores = self.vectors[own] @ np.asarray(question.embedding, dtype=np.float32)
        return {UUID(int=own[place] + 1) for place in np.argsort(-scores)[:TOP]}

    def _chunk(self, number: int) -> EmbeddedArticleChunk:
        url = f"https://example.org/{number // CHUNKS_A_DOCUMENT}"
        return EmbeddedArticleChunk(
            id=UUID(int=number + 1),
            document_id=document_id(url),
            revision="1",
            position=number % CHUNKS_A_DOCUMENT,
            total=CHUNKS_A_DOCUMENT,
            start=0,
            end=1,
            text=_text(number),
            url=url,
            platform="example.org",
            title="A document",
            author_full_name=_name(int(self.author[number])),
            published=datetime(2026, 1, 1, tzinfo=UTC),
            embedding=tuple(map(float, self.vectors[number])),
            sparse=_sparse(self.terms[number]),
            embedder="noise",
        )


def main() -> None:
    """Parses the arguments, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--rival-chunks", type=int, default=42_000, help="0 leaves it out")
    parser.add_argument("--authors", type=int, default=50)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--rival-questions", type=int, default=10)
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}, {arguments.chunks:,} chunks, {arguments.authors} authors")
    corpus = Corpus(arguments.chunks, arguments.authors, arguments.questions, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        ours = measure_ours(Path(folder), corpus, arguments.chunks)
        if arguments.rival_chunks:
            size = min(arguments.rival_chunks, arguments.chunks)
            asked = corpus.questions[: arguments.rival_questions]
            theirs = measure_rival(Path(folder), corpus, size, asked)
            print(f"ratio {theirs / ours:.0f} (theirs on {size:,} chunks, ours on all)")


def measure_ours(folder: Path, corpus: Corpus, size: int) -> float:
    """Returns the median CPU milliseconds of a question; prints the rest."""
    index = EdgeChunkIndex(folder / "edge")
    spent = cpu_ms(lambda: fill(index, corpus, size))
    print(f"writing, graphs included: {spent / size:.2f} ms CPU a chunk")
    index.close()
    reader = EdgeChunkIndex(folder / "edge")
    first = corpus.questions[0]
    wall = time.perf_counter()
    opening = cpu_ms(lambda: reader.search(first, by="dense", limit=TOP))
    wall = time.perf_counter() - wall
    print(f"opening and the first search: {opening:.0f} ms CPU, {wall:.2f} s")
    hits = [
        len(corpus.nearest(one, size) & {f.chunk.id for f in found})
        for one in corpus.questions
        if (found := reader.search(one, by="dense", limit=TOP))
    ]
    print(f"recall@{TOP} against exact search: {sum(hits) / len(hits) / TOP:.4f}")
    median = report("ours", [cpu_ms(partial(hybrid, reader, q)) for q in corpus.questions])
    reader.close()
    return median


def measure_rival(
    folder: Path, corpus: Corpus, size: int, questions: Sequence[EmbeddedQuery]
) -> float:
    """Returns the median CPU milliseconds of a question in qdrant-client's local mode."""
    from qdrant_client import QdrantClient  # noqa: PLC0415 - seconds to import

    index = ServerChunkIndex(QdrantClient(path=str(folder / "local")), "local mode")
    fill(index, corpus, size)
    median = report("qdrant-client", [cpu_ms(partial(hybrid, index, q)) for q in questions])
    index.close()
    return median


def fill(index: ChunkIndex, corpus: Corpus, size: int, generation: Generation = GENERATION) -> None:
    """Writes the first chunks and makes them live."""
    index.create(generation)
    for batch in corpus.chunks(size):
        index.upsert(generation, batch)
    index.commit(generation)
    index.switch(generation)


def hybrid(index: ChunkIndex, question: EmbeddedQuery) -> None:
    """Searches both ways, fuses, and reads the passages, as the retriever does."""
    searches: list[tuple[Arm, EmbeddedQuery]] = [("dense", question), ("sparse", question)]
    dense, sparse = index.candidates(searches, limit=CONFIG.candidates)
    weight = CONFIG.dense_weight
    rankings = [Ranking("dense", dense, weight), Ranking("sparse", sparse, 1.0 - weight)]
    fused = fuse(rankings, CONFIG.fusion)
    found = read_passages(index, fused, CONFIG.per_source_cap, CONFIG.k).capped
    if len(found) != CONFIG.k:
        raise SystemExit(f"{len(found)} passages instead of {CONFIG.k}")


def report(name: str, figures: Sequence[float]) -> float:
    """Prints and returns the median."""
    median = statistics.median(figures)
    raw = " ".join(f"{value:.1f}" for value in sorted(figures)[:: max(1, len(figures) // 10)])
    print(f"  {name:14} median {median:8.2f} ms CPU a question   raw {raw}")
    return median


def cpu_ms(work: Callable[[], object]) -> float:
    """Returns the CPU time that the work takes in this process."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def _unit(vectors: npt.NDArray[np.float64]) -> Matrix:
    scaled: Matrix = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def _sparse(terms: npt.NDArray[np.int64]) -> SparseVector:
    indices, counts = np.unique(terms, return_counts=True)
    values = counts * 2.2 / (counts + 1.2)
    return SparseVector(indices=tuple(map(int, indices)), values=tuple(map(float, values)))


def _text(number: int) -> str:
    """Returns ten sentences of 14 words."""
    return " ".join(
        f"Sentence {line} of chunk {number} tells how the pump of boat {number % 997} and the "
        f"lamp of pier {(number + line) % 89} are kept."
        for line in range(10)
    )


def _name(author: int) -> str:
    return f"Author Number{author}"


if __name__ == "__main__":
    main()
