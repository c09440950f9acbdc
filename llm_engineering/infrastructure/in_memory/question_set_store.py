"""A QuestionSetStore in memory, for unit tests and dry runs."""

from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.evaluation import QuestionSet


class InMemoryQuestionSetStore:
    """Keeps question sets in a dictionary."""

    def __init__(self) -> None:
        self._sets: dict[int, QuestionSet] = {}

    def save(self, questions: QuestionSet) -> None:
        """Stores a set, unless its version is there already."""
        if questions.version in self._sets:
            raise InvalidInput(f"questions of version {questions.version} are stored already")
        self._sets[questions.version] = questions

    def latest(self) -> QuestionSet | None:
        """Returns the set of the highest version."""
        return self._sets[max(self._sets)] if self._sets else None

    def get(self, version: int) -> QuestionSet | None:
        """Returns the set of that version."""
        return self._sets.get(version)
