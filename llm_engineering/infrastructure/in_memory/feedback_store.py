"""A FeedbackStore in memory, for unit tests and dry runs."""

from collections.abc import Collection, Iterator, Sequence
from uuid import UUID

from llm_engineering.domain.feedback import Feedback, ServedAnswer


class InMemoryFeedbackStore:
    """Keeps served answers in a dictionary, for good."""

    def __init__(self) -> None:
        self._served: dict[tuple[str | None, str], ServedAnswer] = {}

    def record(self, served: Sequence[ServedAnswer]) -> None:
        """Stores answers."""
        self._served |= {(one.key_id, one.request_id): one for one in served}

    def rate(self, request_id: str, key_id: str | None, feedback: Feedback) -> bool:
        """Adds feedback to an answer of that key."""
        served = self._served.get((key_id, request_id))
        if served:
            rated = served.model_copy(update={"feedback": feedback})
            self._served[key_id, request_id] = rated
        return served is not None

    def rated(self) -> Iterator[ServedAnswer]:
        """Yields the answers that have feedback."""
        yield from [one for one in self._served.values() if one.feedback]

    def count(self, documents: Collection[UUID]) -> int:
        """Returns how many answers were made from any of these documents."""
        return sum(not set(documents).isdisjoint(one.documents) for one in self._served.values())

    def remove(self, documents: Collection[UUID]) -> None:
        """Deletes the answers that were made from any of these documents."""
        self._served = {
            key: one
            for key, one in self._served.items()
            if set(documents).isdisjoint(one.documents)
        }
