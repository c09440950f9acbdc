"""FeedbackStore on MongoDB: the collection `served_answers`.

MongoDB deletes by itself what is past its `expires`; feedback takes that field away.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from pymongo import ReplaceOne
from pymongo.collection import Collection as MongoCollection

from llm_engineering.domain.feedback import Feedback, ServedAnswer
from llm_engineering.infrastructure.mongo.database import MongoDatabase
from llm_engineering.infrastructure.mongo.records import Record, read

_KEPT = timedelta(days=30)


class MongoFeedbackStore:
    """Served answers in one database."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._errors = database.errors

    @cached_property
    def _served(self) -> MongoCollection[Record]:
        """The collection, with its indexes."""
        served = self._database.collection("served_answers")
        served.create_index("documents")
        served.create_index("expires", expireAfterSeconds=0)
        return served

    def record(self, served: Sequence[ServedAnswer]) -> None:
        """Stores answers."""
        if not served:
            return
        writes = [
            ReplaceOne(_key(one.request_id, one.key_id), _record(one), upsert=True)
            for one in served
        ]
        with self._errors():
            self._served.bulk_write(writes, ordered=False)

    def rate(self, request_id: str, key_id: str | None, feedback: Feedback) -> bool:
        """Adds feedback to an answer of that key, which then stays."""
        change = {
            "$set": {"feedback": feedback.model_dump(mode="json")},
            "$unset": {"expires": ""},
        }
        with self._errors():
            return self._served.update_one(_key(request_id, key_id), change).matched_count == 1

    def rated(self) -> Iterator[ServedAnswer]:
        """Yields the answers that have feedback."""
        with self._errors():
            for record in self._served.find({"feedback": {"$ne": None}}):
                yield _served_answer(record)

    def count(self, documents: Collection[UUID]) -> int:
        """Returns how many answers were made from any of these documents."""
        with self._errors():
            return self._served.count_documents({"documents": {"$in": list(documents)}})

    def remove(self, documents: Collection[UUID]) -> None:
        """Deletes the answers that were made from any of these documents."""
        with self._errors():
            self._served.delete_many({"documents": {"$in": list(documents)}})


def _record(served: ServedAnswer) -> Record:
    record = served.model_dump(mode="json", exclude={"documents"})
    record["documents"] = list(served.documents)
    if served.feedback is None:
        record["expires"] = served.at + _KEPT
    return record


def _key(request_id: str, key_id: str | None) -> Record:
    return {"_id": {"key": key_id, "request": request_id}}


def _served_answer(record: Mapping[str, Any]) -> ServedAnswer:
    fields = {name: value for name, value in record.items() if name not in ("_id", "expires")}
    return read(ServedAnswer, fields, f"the served answer {record['_id']}")
