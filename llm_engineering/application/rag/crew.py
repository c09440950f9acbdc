"""Threads that are used again.

A new thread is cheap, but not what native code sets up in each thread that enters it: a question's
embedding takes a millisecond of CPU more in a thread of its own.
"""

from collections.abc import Callable
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Lock, Thread

_REST_S = 10.0  # a thread that has had nothing to do for so long ends


class Crew:
    """As many threads as there are calls at the same time, none waiting for another.

    The threads never keep the process alive, and end when they are not needed.
    """

    def __init__(self, rest_s: float = _REST_S) -> None:
        self._rest_s = rest_s
        self._idle: list[_Member] = []
        self._lock = Lock()

    def run(self, call: Callable[[], None], name: str) -> None:
        """Has a thread of that name make the call, in the context of the caller.

        The call must not raise.
        """
        with self._lock:
            member = self._idle.pop() if self._idle else None
        if member is None:
            member = _Member(self)
            member.start()
        member.name = name
        # LangChain keeps the callbacks of a run in the context
        member.calls.put((copy_context().run, call))

    def rest(self, member: "_Member") -> bool:
        """Returns whether a thread that has waited for long may end: it was not called since."""
        with self._lock:
            if member in self._idle:
                self._idle.remove(member)
                return True
            return False

    def join(self, member: "_Member") -> None:
        """Takes a thread that is done among those that wait."""
        with self._lock:
            self._idle.append(member)

    @property
    def rest_s(self) -> float:
        """Seconds that a thread waits for its next call."""
        return self._rest_s


class _Member(Thread):
    """A thread that waits for calls."""

    def __init__(self, crew: Crew) -> None:
        super().__init__(daemon=True)
        self.calls: SimpleQueue[tuple[Callable[[Callable[[], None]], None], Callable[[], None]]]
        self.calls = SimpleQueue()
        self._crew = crew

    def run(self) -> None:
        while True:
            try:
                within, call = self.calls.get(timeout=self._crew.rest_s)
            except Empty:
                if self._crew.rest(self):
                    return
                continue
            within(call)
            del within, call  # not kept while waiting
            self._crew.join(self)
