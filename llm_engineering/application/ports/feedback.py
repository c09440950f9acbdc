"""Where served answers wait for what people think of them."""

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol
from uuid import UUID

from llm_engineering.domain.feedback import Feedback, ServedAnswer


class FeedbackStore(Protocol):
    """Served answers by key and request id; those without feedback may go after thirty days.

    Every write that returned is on disk. Every method raises StoreUnavailable when the store
    cannot be reached.
    """

    def record(self, served: Sequence[ServedAnswer]) -> None:
        """Stores answers; another of the same key and request id is replaced."""
        ...

    def rate(self, request_id: str, key_id: str | None, feedback: Feedback) -> bool:
        """Adds feedback to an answer of that key; returns whether there is one."""
        ...

    def rated(self) -> Iterator[ServedAnswer]:
        """Yields the answers that have feedback, in no stated order: samples for datasets."""
        ...

    def count(self, documents: Collection[UUID]) -> int:
        """Returns how many answers were made from any of these documents."""
        ...

    def remove(self, documents: Collection[UUID]) -> None:
        """Deletes the answers that were made from any of these documents."""
        ...
