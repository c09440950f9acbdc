"""Where answers are kept that were given before."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from llm_engineering.domain.cached_answers import CachedAnswer


class AnswerCache(Protocol):
    """Answers by key; it is bounded, and the oldest go first.

    Every method raises StoreUnavailable when the cache cannot be reached.
    """

    def get(self, key: str, since: datetime) -> CachedAnswer | None:
        """Returns the answer of that key, None when it was given before `since`."""
        ...

    def put(self, entries: Sequence[CachedAnswer]) -> None:
        """Keeps answers; another of the same key is replaced."""
        ...

    def drop(self, key: str) -> None:
        """Deletes the answer of that key, if there is one."""
        ...

    def count(self, documents: Collection[UUID]) -> int:
        """Returns how many answers were made from any of these documents."""
        ...

    def remove(self, documents: Collection[UUID]) -> None:
        """Deletes the answers that were made from any of these documents."""
        ...
