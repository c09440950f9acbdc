"""Questions that could not be tracked."""

import threading


class Drops:
    """Counts them, from any thread; `total` since the start."""

    def __init__(self) -> None:
        self.total = 0
        self._reported = 0
        self._lock = threading.Lock()

    @property
    def unreported(self) -> int:
        """Returns how many no window told of yet."""
        return self.total - self._reported

    def add(self, count: int = 1) -> None:
        """Counts some more."""
        with self._lock:
            self.total += count

    def reported(self, count: int) -> None:
        """Notes that a window told of so many."""
        self._reported += count
