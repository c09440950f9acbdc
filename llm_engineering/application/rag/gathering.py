"""Writes that are gathered: a store takes ten at once for little more than it takes one.

Nobody waits for them: what is gathered is written a little later, from a thread of its own.
"""

import logging
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")

_log = logging.getLogger(__name__)
_GATHERED_S = 0.2


class Gathering(Generic[Item]):
    """Hands items on together, in the order in which they came.

    The thread ends when there is nothing to do, and never keeps the process alive.

    Args:
        hand_on: takes the items; what it raises is logged, and the items are lost.
        capacity: so many may wait.
        wait_s: what comes within so many seconds is handed on together.
    """

    def __init__(
        self,
        hand_on: Callable[[Sequence[Item]], None],
        capacity: int = 1000,
        wait_s: float = _GATHERED_S,
    ) -> None:
        self._hand_on = hand_on
        self._capacity = capacity
        self._wait_s = wait_s
        self._waiting: list[Item] = []
        self._added = self._done = 0
        self._urgent = self._closed = self._working = False
        self._changed = Condition()

    def add(self, item: Item) -> bool:
        """Returns whether there is room for the item; never waits."""
        with self._changed:
            if self._closed or self._added - self._done >= self._capacity:
                return False
            self._waiting.append(item)
            self._added += 1
            if not self._working:
                self._working = True
                Thread(target=self._work, name="gathering", daemon=True).start()
            return True

    def flush(self, seconds: float | None = None) -> None:
        """Returns when all that was added before is handed on.

        Raises:
            TimeoutError: it takes longer than so many seconds.
        """
        with self._changed:
            added, self._urgent = self._added, True
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._done >= added, seconds):
                raise TimeoutError(f"not handed on in {seconds:g} s")

    def close(self) -> None:
        """Takes nothing more; returns when all is handed on."""
        with self._changed:
            self._closed = True
        self.flush()

    def _work(self) -> None:
        while items := self._gathered():
            try:
                self._hand_on(items)
            except Exception:  # noqa: BLE001 - the edge of a thread, which has to go on
                _log.exception("%d writes are lost", len(items))
            with self._changed:
                self._done += len(items)
                self._changed.notify_all()

    def _gathered(self) -> list[Item]:
        """Returns what came within the time; nothing when the thread may end."""
        with self._changed:
            self._changed.wait_for(lambda: self._urgent or self._closed, self._wait_s)
            items, self._waiting, self._urgent = self._waiting, [], False
            self._working = bool(items)
            return items
