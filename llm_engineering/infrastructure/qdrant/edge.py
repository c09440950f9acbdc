"""The embedded index: Qdrant's engine in this process, shared with other processes by snapshots.

A writer works on a draft, a private copy of the published snapshot; `commit` closes the draft and
replaces the small file that names the current snapshot. Readers look at that file before each
search and open what it names. So a service never waits for a writer and never fails because of
one, and sees what was committed at its next search.

Readers open the published folder itself, not a clone of it. Measured with qdrant-edge 0.9: made
without its write-ahead log, a folder can be opened by many processes at once; the first opening
merges the engine's journals, so the writer does it before publishing; after that, opening,
searching and closing changes no byte (files are replaced by equal ones in one step, or truncated
to the length they have). Hard links would share the same files, and copies would cost their size
for each reader. A reader holds a shared lock on the snapshot's folder, which the kernel drops when
the process ends however it ends; what nobody holds and is not current is removed after a commit.

`optimize` is explicit and blocks the process, so a commit runs it only for many changes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock, RLock
from typing import TypeVar
from uuid import UUID

from llm_engineering.application.ports.storage import GenerationStatus, IndexedDocument
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import InvalidInput, StoreUnavailable
from llm_engineering.domain.queries import (
    Arm,
    Candidate,
    EmbeddedQuery,
    ScoredChunk,
    SearchFilters,
)
from llm_engineering.domain.releases import Generation
from llm_engineering.infrastructure.qdrant.edge_files import (
    WriterLock,
    mark,
    remove_unused,
    replace_text,
)
from llm_engineering.infrastructure.qdrant.edge_generation import (
    Draft,
    GenerationFolder,
    Snapshot,
    generation_folders,
)
from llm_engineering.infrastructure.qdrant.edge_shard import Shard, ShardClosed, engine_errors
from llm_engineering.infrastructure.qdrant.points import (
    ARMS,
    DENSE,
    best_candidates_first,
    best_first,
    check_dimension,
    check_searches,
    documents_of,
)

Result = TypeVar("Result")
_NO_FILTERS = SearchFilters()


class EdgeChunkIndex:
    """ChunkIndex in a folder; any number of handles may read, one at a time may write.

    A write takes the right to write for this handle, until `commit` or `close`. What was written
    and not committed stays in the draft: the next `indexed` or write takes it over, whoever asks,
    and the next `commit` publishes it.

    Args:
        folder: where the index lies; made if need be.
        exact_limit: changed chunks up to which dense search stays exact.
    """

    def __init__(self, folder: Path, *, exact_limit: int = 20_000) -> None:
        self._folder = folder
        self._exact_limit = exact_limit
        self._live = folder / "live"
        self._lock = WriterLock(folder / "writer.lock")
        self._writing = RLock()
        self._drafts: dict[str, Draft] = {}
        self._opening = Lock()
        self._snapshots: dict[str, Snapshot] = {}
        self._live_seen: tuple[tuple[int, int] | None, str | None] = (None, None)
        self._known: dict[str, Generation] = {}  # a name stands for the same one for ever
        with engine_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def create(self, generation: Generation) -> None:
        """Makes an empty generation; does nothing when it exists."""
        with self._exclusive():
            path = self._folder / generation.name
            if not path.exists():
                GenerationFolder(path).create(generation, self._exact_limit)

    def generations(self) -> Sequence[GenerationStatus]:
        """Returns all generations, ordered by name."""
        with engine_errors(self._folder):
            live = self._live_name()
            found = [(f.generation, f.size()) for f in generation_folders(self._folder)]
        return [
            GenerationStatus(g, self.count(g), live=g.name == live, size=size) for g, size in found
        ]

    def live(self) -> Generation | None:
        """Returns the generation that searches read."""
        name = self._live_name()
        if name and name not in self._known:
            self._known[name] = GenerationFolder(self._folder / name).generation
        return self._known[name] if name else None

    def switch(self, generation: Generation) -> None:
        """Moves the alias."""
        with self._exclusive():
            self._require(generation)
            replace_text(self._live, generation.name)

    def drop(self, generation: Generation) -> None:
        """Deletes a generation; what others still read is removed by a later `drop`."""
        with self._exclusive():
            path = self._require(generation).path
            if generation.name == self._live_name():
                raise InvalidInput(f"the index generation {generation.name} is live: switch first")
            self._forget(generation.name)
            dropped = path.with_name(f".dropped-{path.stat().st_ino}-{path.name}")
            path.rename(dropped)
            self._sweep_dropped()

    def upsert(self, generation: Generation, chunks: Sequence[EmbeddedChunk]) -> None:
        """Writes chunks; one with the same id is replaced."""
        for chunk in chunks:
            check_dimension(generation, chunk.embedding)
        self._require(generation)
        if chunks:
            with self._writing:
                self._draft(generation).upsert(chunks)

    def delete(self, generation: Generation, chunk_ids: Sequence[UUID]) -> None:
        """Deletes chunks; ids that are not there are passed over."""
        self._require(generation)
        if chunk_ids:
            with self._writing:
                self._draft(generation).delete(chunk_ids)

    def commit(self, generation: Generation) -> None:
        """Publishes all writes so far, those of a killed writer included."""
        folder = self._require(generation)
        with self._writing:
            if generation.name not in self._drafts and not folder.draft_path.exists():
                return
            draft = self._draft(generation)
            draft.finish(self._exact_limit)
            del self._drafts[generation.name]
            with engine_errors(folder.path):
                draft.seal()
                folder.publish(draft)
            self._release_if_done()

    def indexed(self, generation: Generation) -> Mapping[UUID, Sequence[IndexedDocument]]:
        """Returns what is held of every document, the draft of a killed writer included."""
        self._take_over(self._require(generation))
        return self._read(generation, lambda shard: documents_of(shard.document_fields()))

    def scroll(
        self, generation: Generation, filters: SearchFilters = _NO_FILTERS
    ) -> Iterator[EmbeddedChunk]:
        """Yields the chunks that pass the filters, ordered by id."""
        self._require(generation)
        start: UUID | None = None
        while True:
            # a page at a time: the caller may write and commit in between
            read_page = partial(Shard.page, filters=filters, start=start)
            page, start = self._read(generation, read_page)
            yield from page
            if start is None:
                return

    def count(self, generation: Generation, filters: SearchFilters = _NO_FILTERS) -> int:
        """Returns how many chunks pass the filters."""
        folder = self._require(generation)
        if filters == _NO_FILTERS and generation.name not in self._drafts:
            return folder.chunks()
        return self._read(generation, lambda shard: shard.count(filters))

    def search(self, query: EmbeddedQuery, *, by: Arm, limit: int) -> Sequence[ScoredChunk]:
        """Returns the best chunks of the live generation, best first; equal scores by id."""
        live = self.live()
        if live is None or (by != DENSE and not query.sparse.indices):
            return []
        check_searches(live, [(by, query)])
        return best_first(self._read_live(live, lambda shard: shard.search(query, by, limit)))

    def candidates(
        self, searches: Sequence[tuple[Arm, EmbeddedQuery]], *, limit: int
    ) -> Sequence[Sequence[Candidate]]:
        """Returns for each search what `search` finds, by id alone."""
        live = self.live()
        if live is None:
            return [[] for _ in searches]
        check_searches(live, searches)
        found = self._read_live(live, lambda shard: shard.candidates(searches, limit))
        return [best_candidates_first(one) for one in found]

    def alike(self, to: Sequence[UUID], among: Sequence[UUID]) -> Mapping[Arm, Sequence[Candidate]]:
        """Returns how alike each of `among` is to the chunks `to` together."""
        live = self.live()
        found = self._read_live(live, lambda shard: shard.alike(to, among)) if live else {}
        return {arm: best_candidates_first(found.get(arm, [])) for arm in ARMS}

    def chunks(self, chunk_ids: Sequence[UUID]) -> Sequence[Chunk]:
        """Returns those chunks of the live generation that are there, in the order asked for."""
        live = self.live()
        if live is None or not chunk_ids:
            return []
        found = {c.id: c for c in self._read_live(live, lambda shard: shard.chunks(chunk_ids))}
        return [found[chunk_id] for chunk_id in chunk_ids if chunk_id in found]

    def ping(self) -> None:
        """Returns when the live generation, if there is one, is open and answers."""
        live = self.live()
        if live is not None:
            self._read_live(live, lambda shard: shard.count(_NO_FILTERS))

    def close(self) -> None:
        """Closes everything; uncommitted writes stay in the draft for the next writer."""
        with self._writing:
            for name in list(self._drafts):
                self._drafts.pop(name).close()
            self._lock.release()
        with self._opening:
            for name in list(self._snapshots):
                self._snapshots.pop(name).close()

    def _require(self, generation: Generation) -> GenerationFolder:
        folder = GenerationFolder(self._folder / generation.name)
        if not folder.path.exists():
            known = ", ".join(f.path.name for f in generation_folders(self._folder)) or "none"
            raise InvalidInput(f"no index generation {generation.name!r} (there are: {known})")
        return folder

    def _live_name(self) -> str | None:
        seen = mark(self._live)
        known, name = self._live_seen
        if seen != known:
            try:
                name = self._live.read_text(encoding="utf-8")
            except FileNotFoundError:
                seen, name = None, None
            self._live_seen = (seen, name)
        return name

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._writing, engine_errors(self._folder):
            self._lock.acquire()
            try:
                yield
            finally:
                self._release_if_done()

    def _release_if_done(self) -> None:
        if not self._drafts:
            self._lock.release()

    def _draft(self, generation: Generation) -> Draft:
        if generation.name not in self._drafts:
            with self._exclusive():
                self._drafts[generation.name] = self._require(generation).open_draft()
        return self._drafts[generation.name]

    def _take_over(self, folder: GenerationFolder) -> None:
        """Opens the draft of a killed writer; does nothing while a writer is at work."""
        with self._writing, engine_errors(folder.path):
            if not folder.draft_path.exists() or not self._lock.try_acquire():
                return
            if folder.draft_path.exists():  # still: its writer may have published it meanwhile
                self._draft(folder.generation)
            self._release_if_done()

    def _read(self, generation: Generation, ask: Callable[[Shard], Result]) -> Result:
        """Asks this handle's draft, else the snapshot published last."""
        while True:
            draft = self._drafts.get(generation.name)
            shard = draft.shard if draft else self._published(generation)
            try:
                with shard.lease():
                    return ask(shard)
            except ShardClosed:
                continue

    def _read_live(self, live: Generation, ask: Callable[[Shard], Result]) -> Result:
        """Asks the live generation; when it was dropped since, the one that is live now."""
        while True:
            try:
                return self._read(live, ask)
            except StoreUnavailable:
                now = self.live()
                if now is None or now == live:
                    raise
                live = now

    def _published(self, generation: Generation) -> Shard:
        name = generation.name
        with self._opening, engine_errors(self._folder):
            snapshot = self._snapshots.get(name)
            if snapshot is None or not snapshot.is_current:
                self._snapshots[name] = GenerationFolder(self._folder / name).open_current()
                if snapshot is not None:
                    snapshot.close()
            return self._snapshots[name].shard

    def _forget(self, name: str) -> None:
        if name in self._drafts:
            self._drafts.pop(name).close()
        with self._opening:
            if name in self._snapshots:
                self._snapshots.pop(name).close()

    def _sweep_dropped(self) -> None:
        for dropped in self._folder.glob(".dropped-*"):
            for snapshot in dropped.iterdir():
                if snapshot.is_dir():
                    remove_unused(snapshot)
            if not any(path.is_dir() for path in dropped.iterdir()):
                remove_unused(dropped)
