"""AnswerCache on MongoDB: the collection `cached_answers`.

MongoDB deletes by itself what is older than thirty days.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from pydantic import ValidationError
from pymongo import ReplaceOne
from pymongo.collection import Collection as MongoCollection

from llm_engineering.domain.cached_answers import CachedAnswer
from llm_engineering.infrastructure.mongo.database import MongoDatabase
from llm_engineering.infrastructure.mongo.records import Record

_KEPT = timedelta(days=30)
_COUNTED_EVERY = 50  # answers: counting costs as much as keeping one


class MongoAnswerCache:
    """Up to about `capacity` answers in one database, give or take a few dozen."""

    def __init__(self, database: MongoDatabase, capacity: int = 10_000) -> None:
        self._database = database
        self._errors = database.errors
        self._capacity = capacity
        self._counted_every = max(1, min(_COUNTED_EVERY, capacity // 10))
        self._uncounted = 0

    @cached_property
    def _answers(self) -> MongoCollection[Record]:
        """The collection, with its indexes."""
        answers = self._database.collection("cached_answers")
        answers.create_index("documents")
        answers.create_index("at", expireAfterSeconds=int(_KEPT.total_seconds()))
        return answers

    def get(self, key: str, since: datetime) -> CachedAnswer | None:
        """Returns the answer of that key.

        One that another version of the program wrote, and this one cannot read, is none.
        """
        with self._errors():
            record = self._answers.find_one({"_id": key, "at": {"$gte": since}})
        if record is None:
            return None
        try:
            return CachedAnswer.model_validate_json(record["entry"])
        except ValidationError:
            return None

    def put(self, entries: Sequence[CachedAnswer]) -> None:
        """Keeps answers; what is too much goes, the oldest first."""
        if not entries:
            return
        writes = [ReplaceOne({"_id": one.key}, _record(one), upsert=True) for one in entries]
        with self._errors():
            self._answers.bulk_write(writes, ordered=False)
            self._uncounted += len(entries)
            if self._uncounted >= self._counted_every:
                self._uncounted = 0
                self._make_room()

    def _make_room(self) -> None:
        excess = self._answers.estimated_document_count() - self._capacity
        if excess > 0:
            oldest = self._answers.find({}, {"_id": 1}).sort("at", 1).limit(excess)
            self._answers.delete_many({"_id": {"$in": [one["_id"] for one in oldest]}})

    def drop(self, key: str) -> None:
        """Deletes the answer of that key."""
        with self._errors():
            self._answers.delete_one({"_id": key})

    def count(self, documents: Collection[UUID]) -> int:
        """Returns how many answers were made from any of these documents."""
        with self._errors():
            return self._answers.count_documents({"documents": {"$in": list(documents)}})

    def remove(self, documents: Collection[UUID]) -> None:
        """Deletes the answers that were made from any of these documents."""
        with self._errors():
            self._answers.delete_many({"documents": {"$in": list(documents)}})


def _record(entry: CachedAnswer) -> Record:
    return {
        "entry": entry.model_dump_json(),
        "documents": list(entry.documents),
        "at": entry.at,
    }
