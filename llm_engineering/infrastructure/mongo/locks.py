"""File locks that the kernel gives back when their last holder ends, however it ends."""

import fcntl
import os
import time
from pathlib import Path
from typing import Self

from llm_engineering.domain.errors import StoreUnavailable

_POLL_S = 0.02


class FileLock:
    """An flock on a file, made if need be. Shared among many holders, or exclusive to one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def fd(self) -> int:
        """The file descriptor, for a child process that is to hold the lock, too."""
        return self._fd

    def try_shared(self) -> bool:
        """Returns whether this process holds the lock now, with others."""
        return self._try(fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Returns whether this process holds the lock now, alone."""
        return self._try(fcntl.LOCK_EX)

    def wait_shared(self, deadline: float) -> None:
        """Takes the lock with others; `deadline` is in seconds of `time.monotonic`.

        Raises:
            StoreUnavailable: another process kept it to itself until the deadline.
        """
        self._wait(fcntl.LOCK_SH, deadline)

    def wait_exclusive(self, deadline: float) -> None:
        """Takes the lock alone; `deadline` is in seconds of `time.monotonic`.

        Raises:
            StoreUnavailable: another process kept it until the deadline.
        """
        self._wait(fcntl.LOCK_EX, deadline)

    def unlock(self) -> None:
        """Gives the lock back; the file stays open."""
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Closes the file. A child that inherited it goes on holding the lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _wait(self, kind: int, deadline: float) -> None:
        while not self._try(kind):
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"embedded MongoDB: another process keeps {self._path}")
            time.sleep(_POLL_S)
