"""The folder of one index generation, its numbered snapshots, and the draft of the next one.

    GENERATION/generation.json   embedder, chunker, dimension
               current           the number of the published snapshot
               7/shard/          the engine's folder
               7/manifest.json   chunks, changes since the last optimisation, size of every file
               8/                the draft: a copy of 7 that a writer works on
               8/in_flight       the machine's boot, ids of the chunks written since the last flush

A published snapshot is never written to. Publishing replaces `current`; nothing is moved.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.releases import Generation
from llm_engineering.infrastructure.qdrant.edge_files import (
    SharedFolder,
    boot_id,
    copy_tree,
    disk_use,
    file_sizes,
    fsync_tree,
    mark,
    read_json,
    remove_unused,
    replace_json,
    replace_text,
)
from llm_engineering.infrastructure.qdrant.edge_shard import Shard, engine_errors

# a flush costs 50 to 200 ms of disk time however little there is, embedding 500 chunks 10 s
_FLUSH_EVERY = 500
_OPTIMIZE_SHARE = 0.1
_FIRST = 1
_ID_LENGTH = 36
_IN_FLIGHT = "in_flight"


class GenerationFolder:
    """Where a generation lies on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def generation(self) -> Generation:
        """What `generation.json` says."""
        return Generation.model_validate(read_json(self.path / "generation.json"))

    @property
    def current(self) -> int:
        """The number of the published snapshot."""
        return int(read_json(self.current_path))

    @property
    def current_path(self) -> Path:
        """The file with that number."""
        return self.path / "current"

    @property
    def draft_path(self) -> Path:
        """Where the draft of the next snapshot is, if there is one."""
        return self.path / str(self.current + 1)

    def create(self, generation: Generation, exact_limit: int) -> None:
        """Makes the folder with an empty snapshot, in one step."""
        new = self.path.with_name(f".{self.path.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        snapshot = new / str(_FIRST)
        snapshot.mkdir(parents=True)
        Shard.create(snapshot / "shard", generation.dimension, exact_limit).close()
        _merge_journals(snapshot)
        _write_manifest(snapshot, chunks=0, changes=0)
        replace_json(new / "generation.json", generation.model_dump())
        replace_text(new / "current", str(_FIRST))
        fsync_tree(new)
        new.rename(self.path)

    def open_current(self) -> "Snapshot":
        """Opens the published snapshot."""
        while True:
            seen, number = mark(self.current_path), self.current
            try:
                folder = SharedFolder(self.path / str(number))
            except FileNotFoundError as error:
                if number == self.current:
                    raise StoreUnavailable(f"{self.path / str(number)} is missing") from error
                continue
            if number == self.current:  # only others are ever removed
                return Snapshot(folder, self.current_path, seen)
            folder.close()

    def chunks(self) -> int:
        """Returns how many chunks the published snapshot holds, without opening it."""
        return int(read_json(self.path / str(self.current) / "manifest.json")["chunks"])

    def size(self) -> int:
        """Returns how many bytes the published snapshot takes on disk, holes left out."""
        return disk_use(self.path / str(self.current))

    def open_draft(self) -> "Draft":
        """Opens the draft that a killed writer left, or a new copy of the published snapshot."""
        try:
            return Draft(self.draft_path)
        except DraftUnusable:
            self._start_draft()
        return Draft(self.draft_path)

    def _start_draft(self) -> None:
        base = self.path / str(self.current)
        cloning = self.path / ".cloning"
        _check(base)
        for rest in (cloning, self.draft_path):
            shutil.rmtree(rest, ignore_errors=True)
        with engine_errors(base):
            copy_tree(base, cloning)
            replace_text(cloning / _IN_FLIGHT, f"{boot_id()}\n", durable=False)
            cloning.rename(self.draft_path)

    def publish(self, draft: "Draft") -> None:
        """Makes the finished draft the current snapshot and removes older ones out of use."""
        replace_text(self.path / "current", draft.path.name)
        self.sweep()

    def sweep(self) -> None:
        """Removes the snapshots before the current one that no process reads."""
        for path in self.path.iterdir():
            if path.name.isdecimal() and int(path.name) < self.current:
                remove_unused(path)


class DraftUnusable(Exception):
    """What a killed writer left cannot be gone on with."""


class Snapshot:
    """A published snapshot, open for reading. Any number of processes may open the same one.

    Args:
        folder: has it.
        named_by: the file that named it as the current one.
        seen: the mark of that file, taken before it was read.
    """

    def __init__(self, folder: SharedFolder, named_by: Path, seen: tuple[int, int] | None) -> None:
        self._folder = folder
        self._named_by = named_by
        self._seen = seen
        try:
            _check(folder.path)
            self.shard = Shard.load(folder.path / "shard")
        except BaseException:
            folder.close()
            raise

    @property
    def is_current(self) -> bool:
        """Whether nothing newer has been published."""
        return self._seen is not None and self._seen == mark(self._named_by)

    def close(self) -> None:
        """Closes it when its last search has ended."""
        self.shard.close()
        self._folder.close()


class Draft:
    """The next snapshot in the making. Not safe to write from several threads at once.

    The ids of each write go to `in_flight` before the engine hears of them, and leave it after a
    flush: without a write-ahead log, a writer killed in between leaves chunks with the new vector
    and the old payload. The next writer deletes them, so they count as missing and are redone.
    Nothing is brought to disk before `seal`: after a restart of the machine there is no draft.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._in_flight = path / _IN_FLIGHT
        self._unflushed = 0
        unsure = self._read_in_flight()
        try:
            self._changes = int(read_json(path / "manifest.json")["changes"])
            self.shard = Shard.load(path / "shard")
            self._repair(unsure)
        except StoreUnavailable as error:
            raise DraftUnusable(str(error)) from error

    def upsert(self, chunks: Sequence[EmbeddedChunk]) -> None:
        """Writes chunks."""
        for start in range(0, len(chunks), _FLUSH_EVERY):
            batch = chunks[start : start + _FLUSH_EVERY]
            self._announce([chunk.id for chunk in batch])
            with self.shard.lease():
                self.shard.upsert(batch)
            self._wrote(len(batch))

    def delete(self, chunk_ids: Sequence[UUID]) -> None:
        """Deletes chunks."""
        self._announce(chunk_ids)
        with self.shard.lease():
            self.shard.delete(chunk_ids)
        self._wrote(len(chunk_ids))

    def finish(self, exact_limit: int) -> None:
        """Builds the graphs when that pays. The draft stays open, and can be searched meanwhile.

        Up to `exact_limit` changed chunks are searched exactly: measured at 384 dimensions, that
        is as quick as the graph, which takes 1.2 CPU-seconds a thousand chunks to build.
        """
        with self.shard.lease():
            chunks = self.shard.count(SearchFilters())
            if self._changes > max(exact_limit, chunks * _OPTIMIZE_SHARE):
                self.shard.optimize()
                self._changes = 0

    def seal(self) -> None:
        """Closes the draft in the form of a published snapshot; it is on disk after this."""
        with self.shard.lease():
            chunks = self.shard.count(SearchFilters())
        self.shard.close()
        _merge_journals(self.path)
        self._in_flight.unlink()
        _write_manifest(self.path, chunks=chunks, changes=self._changes)
        fsync_tree(self.path)

    def close(self) -> None:
        """Closes the draft and keeps it for the next writer."""
        self.shard.close()
        self._nothing_in_flight()

    def _settle(self) -> None:
        """Makes everything written so far survive the end of this process."""
        with self.shard.lease():
            self.shard.flush()
        self._nothing_in_flight()

    def _nothing_in_flight(self) -> None:
        with engine_errors(self.path):
            replace_json(self.path / "manifest.json", {"changes": self._changes}, durable=False)
            replace_text(self._in_flight, f"{boot_id()}\n", durable=False)
        self._unflushed = 0

    def _wrote(self, chunks: int) -> None:
        self._unflushed += chunks
        self._changes += chunks
        if self._unflushed >= _FLUSH_EVERY:
            self._settle()

    def _announce(self, chunk_ids: Sequence[UUID]) -> None:
        with engine_errors(self.path), self._in_flight.open("a", encoding="ascii") as file:
            file.writelines(f"{chunk_id}\n" for chunk_id in chunk_ids)

    def _read_in_flight(self) -> Sequence[UUID]:
        try:
            boot, *lines = self._in_flight.read_text(encoding="ascii").split("\n")
        except FileNotFoundError as error:
            raise DraftUnusable(f"{self.path} is no draft") from error
        if boot != boot_id():
            raise DraftUnusable(f"{self.path} is from before the machine was restarted")
        return [UUID(line) for line in lines if len(line) == _ID_LENGTH]  # the last may be cut off

    def _repair(self, unsure: Sequence[UUID]) -> None:
        if unsure:
            with self.shard.lease():
                self.shard.delete(unsure)
            self._settle()


def _merge_journals(snapshot: Path) -> None:
    """Opens and closes the engine's folder once: that writes to it, later openings do not."""
    Shard.load(snapshot / "shard").close()


def _write_manifest(snapshot: Path, *, chunks: int, changes: int) -> None:
    sizes = file_sizes(snapshot / "shard")
    replace_json(snapshot / "manifest.json", {"chunks": chunks, "changes": changes, "files": sizes})


def _check(snapshot: Path) -> None:
    """Returns when all files are there: the engine takes some missing ones for an empty index."""
    expected = read_json(snapshot / "manifest.json")["files"]
    with engine_errors(snapshot):
        found = file_sizes(snapshot / "shard")
    for name, size in expected.items():
        if found.get(name) != size:
            state = f"has {found[name]} bytes instead of {size}" if name in found else "is missing"
            raise StoreUnavailable(f"index snapshot {snapshot} is damaged: {name} {state}")


def generation_folders(folder: Path) -> Sequence[GenerationFolder]:
    """Returns the generations below a folder, ordered by name."""
    paths = sorted(path for path in folder.iterdir() if (path / "generation.json").is_file())
    return [GenerationFolder(path) for path in paths if not path.name.startswith(".")]
