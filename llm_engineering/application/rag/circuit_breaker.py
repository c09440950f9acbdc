"""A circuit breaker: what keeps failing is left alone for a while.

The pattern is that of M. Nygard, *Release It!* (2nd edition, 2018, chapter 5).
"""

import threading
from collections.abc import Callable


class CircuitBreaker:
    """Opens after `failures` in a row; then admits one trial every `rest_s` seconds.

    `timer` returns seconds. May be used by several threads.
    """

    def __init__(self, failures: int, rest_s: float, timer: Callable[[], float]) -> None:
        self._limit = failures
        self._rest_s = rest_s
        self._timer = timer
        self._failed = 0
        self._until = 0.0
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether it failed too often; the next trial may close it."""
        return self._failed >= self._limit

    def admits(self) -> bool:
        """Returns whether to try; while it is open, True once a rest."""
        with self._lock:
            if self._failed < self._limit:
                return True
            if self._timer() < self._until:
                return False
            self._until = self._timer() + self._rest_s  # others wait for what this trial finds
            return True

    def succeeded(self) -> None:
        """Closes it."""
        with self._lock:
            self._failed = 0

    def failed(self) -> None:
        """Counts a failure; the last that is allowed opens it."""
        with self._lock:
            self._failed += 1
            if self._failed >= self._limit:
                self._until = self._timer() + self._rest_s
