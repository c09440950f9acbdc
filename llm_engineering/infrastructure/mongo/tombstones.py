"""What must not be saved again. A tombstone's `_id` is that of the document or of the author."""

from collections.abc import Collection as Some
from collections.abc import Sequence
from uuid import UUID

from pymongo.collection import Collection

from llm_engineering.domain.documents import Tombstone
from llm_engineering.infrastructure.mongo import records
from llm_engineering.infrastructure.mongo.records import Record


class Tombstones:
    """The collection `tombstones`. Errors of pymongo go through to the caller."""

    def __init__(self, collection: Collection[Record]) -> None:
        self._collection = collection

    def forbid(self, *ids: UUID) -> bool:
        """Returns whether a tombstone stands for one of these documents or authors."""
        return self._collection.find_one({"_id": {"$in": list(ids)}}, {"_id": 1}) is not None

    def among(self, ids: Some[UUID]) -> set[UUID]:
        """Returns those of the documents and authors for which a tombstone stands."""
        return {
            one["_id"] for one in self._collection.find({"_id": {"$in": list(ids)}}, {"_id": 1})
        }

    def add(self, tombstones: Sequence[Tombstone]) -> None:
        """Sets up tombstones; one that stands already stays as it is."""
        for tombstone in tombstones:
            key, fields = records.tombstone_record(tombstone)
            self._collection.update_one(key, {"$setOnInsert": fields}, upsert=True)

    def all(self) -> Sequence[Tombstone]:
        """Returns them ordered by id."""
        found = [records.tombstone_of(record) for record in self._collection.find()]
        return sorted(found, key=lambda tombstone: tombstone.id)

    def remove(self, ids: Some[UUID]) -> None:
        """Takes them away."""
        self._collection.delete_many({"_id": {"$in": list(ids)}})
