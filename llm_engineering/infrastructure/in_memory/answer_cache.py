"""An AnswerCache in memory, for unit tests and dry runs."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from llm_engineering.domain.cached_answers import CachedAnswer


class InMemoryAnswerCache:
    """Keeps up to `capacity` answers in a dictionary."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._entries: dict[str, CachedAnswer] = {}

    def get(self, key: str, since: datetime) -> CachedAnswer | None:
        """Returns the answer of that key, if it is young enough."""
        entry = self._entries.get(key)
        return entry if entry and entry.at >= since else None

    def put(self, entries: Sequence[CachedAnswer]) -> None:
        """Keeps answers."""
        self._entries |= {entry.key: entry for entry in entries}
        while len(self._entries) > self._capacity:
            oldest = min(self._entries.values(), key=lambda one: one.at)
            del self._entries[oldest.key]

    def drop(self, key: str) -> None:
        """Deletes the answer of that key."""
        self._entries.pop(key, None)

    def count(self, documents: Collection[UUID]) -> int:
        """Returns how many answers were made from any of these documents."""
        return sum(not set(documents).isdisjoint(one.documents) for one in self._entries.values())

    def remove(self, documents: Collection[UUID]) -> None:
        """Deletes the answers that were made from any of these documents."""
        self._entries = {
            key: one
            for key, one in self._entries.items()
            if set(documents).isdisjoint(one.documents)
        }
