"""A process of its own that uses an embedded index; `test_edge_index_processes` starts it.

python -m tests.integration.edge_index_worker ROLE FOLDER
"""

import sys
import time
from pathlib import Path

from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import PipelineError
from llm_engineering.infrastructure.qdrant.edge import EdgeChunkIndex
from tests.builders import make_embedded_chunk, make_embedded_query, make_generation, numbered_id

GENERATION = make_generation()
TERM = 7
BATCH = 20


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def search_until_told_to_stop(folder: Path) -> None:
    """Says how many chunks it finds and when, at each change; at the end, how often it searched."""
    index = EdgeChunkIndex(folder)
    query = make_embedded_query(sparse={TERM: 1.0})
    seen, searches = -1, 0
    while not (folder / "stop").exists():
        sparse = index.search(query, by="sparse", limit=10_000)
        dense = index.search(query, by="dense", limit=10_000)
        index.chunks([numbered_id(1)])
        searches += 1
        if len(dense) != seen:
            seen = len(dense)
            say("seen", seen, time.time())
        if len(sparse) > len(dense):
            say("failed", len(sparse), len(dense))
        time.sleep(0.01)
    index.close()
    say("searches", searches)


def write_for_ever(folder: Path) -> None:
    """Writes batch after batch, old chunks anew among them, and never commits."""
    index = EdgeChunkIndex(folder)
    batch = 0
    while True:
        first = 1 + batch * BATCH // 2  # every second chunk was in the batch before
        numbers = range(first, first + BATCH)
        index.upsert(GENERATION, [numbered_chunk(n, edition=batch) for n in numbers])
        batch += 1
        say("wrote", batch)


def write_one(folder: Path) -> None:
    """Tries to write, and says why not."""
    index = EdgeChunkIndex(folder)
    try:
        index.upsert(GENERATION, [numbered_chunk(1)])
        index.commit(GENERATION)
        say("committed")
    except PipelineError as error:
        say(type(error).__name__, error)
    index.close()


def numbered_chunk(number: int, edition: int = 0) -> EmbeddedChunk:
    """Returns a chunk whose vectors tell its title: a mixture of two editions shows."""
    return make_embedded_chunk(
        f"text {number} of edition {edition}",
        id=numbered_id(number),
        title=str(edition),
        sparse={TERM: 1.0, 1000 + edition: 1.0},
    )


ROLES = {
    "reader": search_until_told_to_stop,
    "writer": write_for_ever,
    "one": write_one,
}

if __name__ == "__main__":
    ROLES[sys.argv[1]](Path(sys.argv[2]))
