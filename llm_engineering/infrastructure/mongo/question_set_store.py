"""QuestionSetStore on MongoDB: the collection `question_sets`, one record a version.

At the 10,000 questions that a configuration allows, a record stays below 5 MB of MongoDB's 16.
"""

from collections.abc import Mapping
from typing import Any

from pymongo.errors import DuplicateKeyError

from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.evaluation import QuestionSet
from llm_engineering.infrastructure.mongo.database import MongoDatabase
from llm_engineering.infrastructure.mongo.records import read


class MongoQuestionSetStore:
    """Question sets in one database."""

    def __init__(self, database: MongoDatabase) -> None:
        self._errors = database.errors
        self._sets = database.collection("question_sets")

    def save(self, questions: QuestionSet) -> None:
        """Stores a set, unless its version is there already."""
        fields = questions.model_dump(mode="json", exclude={"version"})
        with self._errors():
            try:
                self._sets.insert_one({"_id": questions.version, **fields})
            except DuplicateKeyError as error:
                raise InvalidInput(
                    f"questions of version {questions.version} are stored already"
                ) from error

    def latest(self) -> QuestionSet | None:
        """Returns the set of the highest version."""
        with self._errors():
            record = self._sets.find_one(sort=[("_id", -1)])
        return _question_set(record) if record else None

    def get(self, version: int) -> QuestionSet | None:
        """Returns the set of that version."""
        with self._errors():
            record = self._sets.find_one({"_id": version})
        return _question_set(record) if record else None


def _question_set(record: Mapping[str, Any]) -> QuestionSet:
    fields = {name: value for name, value in record.items() if name != "_id"}
    what = f"questions of version {record['_id']}"
    return read(QuestionSet, {**fields, "version": record["_id"]}, what)
