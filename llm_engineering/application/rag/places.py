"""Places that are taken in the order in which they were asked for."""

from collections import deque
from threading import Lock


class Places:
    """So many places; who waits longest has the next one.

    A `threading.Semaphore` lets newcomers overtake those it has just woken, so that under load some
    wait twice as long as others.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[Lock] = deque()
        self._lock = Lock()

    def take(self, timeout: float) -> bool:
        """Returns whether a place was got within so many seconds; then it is to be given back."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            mine = Lock()
            mine.acquire()
            self._waiting.append(mine)
        return mine.acquire(timeout=timeout) or not self._withdraw(mine)

    def give_back(self) -> None:
        """Hands a place to who waits longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1

    def _withdraw(self, mine: Lock) -> bool:
        """Returns whether it waits no more; False: it was given a place in the meantime."""
        with self._lock:
            if mine not in self._waiting:
                return False
            self._waiting.remove(mine)
            return True
