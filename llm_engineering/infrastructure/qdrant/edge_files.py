"""Files that several processes share: locks, atomic replacement, copies with holes."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from llm_engineering.domain.errors import StoreUnavailable

_BLOCK_BYTES = 4 << 20
_FSYNC_THREADS = 16


def replace_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Replaces a small file in one step; a durable one is on disk when this returns."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    if durable:
        _fsync(new)
    new.replace(path)
    if durable:
        _fsync(path.parent)


def mark(path: Path) -> tuple[int, int] | None:
    """Returns what changes with each `replace_text`, in a tenth of the time that reading takes.

    None: there is no such file.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def replace_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Replaces a small JSON file as `replace_text` does."""
    replace_text(path, json.dumps(value, indent=1, sort_keys=True), durable=durable)


def disk_use(folder: Path) -> int:
    """Returns the bytes that the files below a folder take on disk: holes take none."""
    return sum(512 * path.stat().st_blocks for path in folder.rglob("*") if path.is_file())


def read_json(path: Path) -> Any:
    """Returns the content of a JSON file.

    Raises:
        StoreUnavailable: it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreUnavailable(f"{path} cannot be read: {error}") from error


def file_sizes(folder: Path) -> dict[str, int]:
    """Returns the size in bytes of every file below a folder, by its relative path."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in _files(folder)}


def fsync_tree(folder: Path) -> None:
    """Returns when everything below a folder is on disk."""
    paths = [*_files(folder), *(Path(parent) for parent, _, _ in os.walk(folder)), folder.parent]
    # calls at the same time share one commit of the file system's journal
    with ThreadPoolExecutor(_FSYNC_THREADS) as threads:
        list(threads.map(_fsync, paths))


def copy_tree(source: Path, target: Path) -> None:
    """Copies a folder; holes stay holes (the engine's files are nine tenths of them)."""
    shutil.copytree(source, target, copy_function=_copy_with_holes)


def _copy_with_holes(source: str, target: str) -> None:
    with Path(source).open("rb") as old, Path(target).open("wb") as new:
        size = os.fstat(old.fileno()).st_size
        os.truncate(new.fileno(), size)
        for start, end in _data_ranges(old.fileno(), size):
            for position in range(start, end, _BLOCK_BYTES):
                block = os.pread(old.fileno(), min(_BLOCK_BYTES, end - position), position)
                new.seek(position)
                new.write(block)


def _data_ranges(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            return
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def boot_id() -> str:
    """Returns a name for the time since the machine started; empty where none is known."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text(encoding="ascii").strip() if path.exists() else ""


class SharedFolder:
    """A folder that is in use: while this is open, `remove_unused` leaves the folder alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def close(self) -> None:
        """Gives the folder free."""
        os.close(self._descriptor)


def remove_unused(folder: Path) -> None:
    """Removes a folder that no process has open as SharedFolder; else leaves it for later."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(descriptor)


class WriterLock:
    """The right to write, held by one handle at a time. It falls with the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this handle holds it."""
        return self._descriptor is not None

    def try_acquire(self) -> bool:
        """Takes the lock unless another one holds it; returns whether this handle holds it now."""
        if self.held:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return True

    def acquire(self) -> None:
        """Takes the lock; does nothing when it is held already.

        Raises:
            StoreUnavailable: another one holds it; names its process.
        """
        if not self.try_acquire():
            holder = self._path.read_text(encoding="ascii").strip() or "of unknown number"
            raise StoreUnavailable(
                f"the index {self._path.parent} is being written by process {holder}: "
                "try again when it is done"
            )

    def release(self) -> None:
        """Gives the lock back; does nothing when it is not held."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None
