"""The embedded index between real processes: readers, one writer, and those that are killed."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.infrastructure.qdrant.edge import EdgeChunkIndex
from tests.builders import make_embedded_query, make_generation, unit_vector
from tests.integration.edge_index_worker import BATCH, GENERATION, TERM, numbered_chunk

SEEN_WITHIN_S = 5.0
QUERY = make_embedded_query(sparse={TERM: 1.0})


def start(role: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.edge_index_worker", role, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> list[str]:
    """Returns the words of the next line of a process."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the process ended with {process.wait()}"
    return line.split()


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def index(folder: Path) -> Iterator[EdgeChunkIndex]:
    index = EdgeChunkIndex(folder)
    index.create(GENERATION)
    index.switch(GENERATION)
    yield index
    index.close()


def write(index: EdgeChunkIndex, *numbers: int, edition: int = 0) -> None:
    index.upsert(GENERATION, [numbered_chunk(number, edition) for number in numbers])
    index.commit(GENERATION)


def snapshots(folder: Path) -> list[int]:
    return sorted(int(p.name) for p in (folder / GENERATION.name).iterdir() if p.name.isdecimal())


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_readers_see_each_commit_within_seconds_and_none_of_their_searches_fails(
    index: EdgeChunkIndex, folder: Path
) -> None:
    readers = [start("reader", folder) for _ in range(2)]
    for reader in readers:
        assert said(reader)[:2] == ["seen", "0"]

    for commit in range(1, 5):
        write(index, *range(1, 1 + 10 * commit), edition=commit)
        committed = time.time()
        for reader in readers:
            word, count, at = said(reader)
            assert (word, count) == ("seen", str(10 * commit))
            assert float(at) - committed < SEEN_WITHIN_S

    (folder / "stop").touch()
    for reader in readers:
        word, searches = said(reader)
        assert word == "searches", "a search failed"
        assert int(searches) > 0
        assert reader.wait() == 0
        reader.communicate()


def test_a_killed_reader_leaves_nothing_behind(index: EdgeChunkIndex, folder: Path) -> None:
    reader = start("reader", folder)
    said(reader)
    held = snapshots(folder)
    reader.send_signal(signal.SIGSTOP)  # it goes on holding the snapshot that it has
    write(index, 1)
    write(index, 1, 2)
    assert set(held) < set(snapshots(folder))

    kill(reader)
    write(index, 1, 2, 3)

    assert len(snapshots(folder)) == 1
    assert index.count(GENERATION) == 3


def test_a_killed_writer_is_succeeded_and_whole_chunks_survive(
    index: EdgeChunkIndex, folder: Path
) -> None:
    write(index, 5000)
    dice = random.Random(17)  # noqa: S311 - when to kill
    for life in range(3):
        writer = start("writer", folder)
        while int(said(writer)[1]) < 30 * (life + 1):
            pass
        time.sleep(dice.uniform(0.0, 0.05))
        kill(writer)
        assert index.count(GENERATION) == 1, "what was never committed is not published"

    held = index.indexed(GENERATION)
    assert sum(document.chunks for kept in held.values() for document in kept) > 500 - BATCH
    for chunk in index.scroll(GENERATION):
        text = f"text {chunk.id.int} of edition {chunk.title}"
        assert chunk.text == text
        assert chunk.embedding == pytest.approx(unit_vector(text), abs=1e-6)
        assert sorted(chunk.sparse.indices) == [TERM, 1000 + int(chunk.title)]

    write(index, *range(1, 101), edition=1)
    found = EdgeChunkIndex(folder).search(QUERY, by="sparse", limit=10_000)
    assert {scored.chunk.id.int for scored in found} > set(range(1, 101))


def test_a_commit_publishes_what_a_killed_writer_left(index: EdgeChunkIndex, folder: Path) -> None:
    left = EdgeChunkIndex(folder)
    left.upsert(GENERATION, [numbered_chunk(1)])
    left.close()
    other = EdgeChunkIndex(folder)
    assert other.count(GENERATION) == 0
    index.commit(GENERATION)
    assert other.count(GENERATION) == 1
    other.close()


def test_a_draft_from_before_a_restart_of_the_machine_is_dropped(
    index: EdgeChunkIndex, folder: Path
) -> None:
    write(index, 1)
    left = EdgeChunkIndex(folder)
    left.upsert(GENERATION, [numbered_chunk(2)])
    left.close()
    (in_flight,) = folder.glob("*/*/in_flight")
    in_flight.write_text("another boot\n", encoding="ascii")

    write(index, 3)

    assert sorted(chunk.id.int for chunk in index.scroll(GENERATION)) == [1, 3]


def test_a_damaged_draft_is_dropped(index: EdgeChunkIndex, folder: Path) -> None:
    write(index, 1)
    left = EdgeChunkIndex(folder)
    left.upsert(GENERATION, [numbered_chunk(2)])
    left.close()
    (in_flight,) = folder.glob("*/*/in_flight")
    next(in_flight.parent.rglob("segment.json")).write_text("{")

    assert index.indexed(GENERATION)
    assert [chunk.id.int for chunk in index.scroll(GENERATION)] == [1]


def test_a_second_writer_is_told_which_process_writes(index: EdgeChunkIndex, folder: Path) -> None:
    index.upsert(GENERATION, [numbered_chunk(1)])

    second = start("one", folder)
    kind, *message = said(second)
    assert second.wait() == 0
    second.communicate()
    assert kind == "StoreUnavailable"
    assert f"process {os.getpid()}" in " ".join(message)

    index.commit(GENERATION)
    third = start("one", folder)
    assert said(third) == ["committed"]
    assert third.wait() == 0
    third.communicate()


def test_handles_of_one_process_exclude_each_other_too(index: EdgeChunkIndex, folder: Path) -> None:
    second = EdgeChunkIndex(folder)
    index.upsert(GENERATION, [numbered_chunk(1)])
    for use in (second.create, second.switch, second.drop):
        with pytest.raises(StoreUnavailable, match="being written"):
            use(make_generation(embedder="other"))
    assert second.count(GENERATION) == 0
    index.close()
    second.upsert(GENERATION, [numbered_chunk(2)])
    second.close()


def test_reading_changes_no_byte_of_a_published_snapshot(
    index: EdgeChunkIndex, folder: Path
) -> None:
    """The engine promises nothing of the kind: this is what sharing snapshots rests on."""
    graph = EdgeChunkIndex(folder, exact_limit=5)
    write(index, *range(1, 200))
    write(graph, *range(50, 100), edition=1)
    graph.delete(GENERATION, [numbered_chunk(n).id for n in range(20)])
    graph.commit(GENERATION)
    write(index, *range(80, 90), edition=2)
    graph.close()
    before = contents(folder)

    reader = EdgeChunkIndex(folder)
    reader.search(QUERY, by="dense", limit=5)
    reader.search(QUERY, by="sparse", limit=5)
    list(reader.scroll(GENERATION))
    reader.close()

    assert contents(folder) == before


@pytest.mark.parametrize("damage", ["missing", "cut off"])
def test_a_damaged_snapshot_is_an_outage_and_not_an_empty_index(
    index: EdgeChunkIndex, folder: Path, damage: str
) -> None:
    write(index, *range(1, 20))
    index.close()
    for mappings in folder.rglob("*id_tracker.mappings"):
        if damage == "missing":
            mappings.unlink()
        else:
            os.truncate(mappings, mappings.stat().st_size // 2)
    reader = EdgeChunkIndex(folder)
    for read in (
        lambda: reader.search(QUERY, by="dense", limit=5),
        lambda: reader.indexed(GENERATION),
        lambda: list(reader.scroll(GENERATION)),
        reader.ping,
        lambda: write(reader, 1),
    ):
        with pytest.raises(StoreUnavailable, match=r"damaged.*id_tracker"):
            read()


@pytest.mark.parametrize("name", ["current", "generation.json"])
def test_a_damaged_pointer_is_an_outage(index: EdgeChunkIndex, folder: Path, name: str) -> None:
    (folder / GENERATION.name / name).write_text("%%")
    with pytest.raises(StoreUnavailable, match=name):
        index.search(QUERY, by="dense", limit=5)


def test_threads_search_while_another_one_commits(index: EdgeChunkIndex, folder: Path) -> None:
    write(index, *range(1, 50))
    reader = EdgeChunkIndex(folder)
    stop = threading.Event()
    failures: list[BaseException] = []
    searches = [0, 0, 0]

    def search(thread: int, handle: EdgeChunkIndex) -> None:
        while not stop.is_set():
            try:
                assert len(handle.search(QUERY, by="sparse", limit=1000)) >= 49
                searches[thread] += 1
                time.sleep(0.002)
            except BaseException as error:  # noqa: BLE001 - told to the main thread
                failures.append(error)
                return

    threads = [
        threading.Thread(target=search, args=(number, handle))
        for number, handle in enumerate((reader, reader, index))
    ]
    for thread in threads:
        thread.start()
    for commit in range(4):
        write(index, *range(50, 60 + commit), edition=commit)
    stop.set()
    for thread in threads:
        thread.join()

    assert failures == []
    assert all(searches)
    assert len(reader.search(QUERY, by="sparse", limit=1000)) == 62
    reader.close()
