"""Where the questions made from a corpus are kept, so that runs can be compared."""

from typing import Protocol

from llm_engineering.domain.evaluation import QuestionSet


class QuestionSetStore(Protocol):
    """Question sets by version. A set is never altered.

    Every write that returned is on disk. Every method raises StoreUnavailable when the store
    cannot be reached.
    """

    def save(self, questions: QuestionSet) -> None:
        """Stores a set.

        Raises:
            InvalidInput: its version is there already.
        """
        ...

    def latest(self) -> QuestionSet | None:
        """Returns the set of the highest version, None when there is none."""
        ...

    def get(self, version: int) -> QuestionSet | None:
        """Returns the set of that version."""
        ...
