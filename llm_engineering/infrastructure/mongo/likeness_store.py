"""LikenessStore on MongoDB: the collection `likenesses`, and `same_as` in `documents`.

`put` writes the neighbours first and the document's own record last. A process that is killed in
between leaves a document that counts as not compared, and the next run redoes it.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from pymongo import UpdateOne

from llm_engineering.application.ports.likeness import Likeness
from llm_engineering.infrastructure.mongo.database import MongoDatabase
from llm_engineering.infrastructure.mongo.records import Record

_BATCH = 1000


class MongoLikenessStore:
    """Likenesses beside the documents, in one database."""

    def __init__(self, database: MongoDatabase) -> None:
        self._errors = database.errors
        self._likenesses = database.collection("likenesses")
        self._documents = database.collection("documents")
        with self._errors():
            self._likenesses.create_index("keys")
            self._likenesses.create_index("originals", sparse=True)
            self._documents.create_index("same_as", sparse=True)

    def compared(self, rules: str) -> Mapping[UUID, str]:
        """Returns the revision of every document that was compared by these rules."""
        with self._errors():
            found = self._likenesses.find({"rules": rules}, {"revision": 1})
            return {one["_id"]: one["revision"] for one in found}

    def sharing(self, keys: Sequence[int], limit: int) -> Sequence[Likeness]:
        """Returns the first documents, in the order of precedence, that share one of the keys."""
        if not keys:
            return []
        with self._errors():
            found = self._likenesses.find({"keys": {"$in": list(keys)}})
            return [_likeness(one) for one in found.sort("precedence").limit(limit)]

    def put(self, likeness: Likeness, copies: Collection[UUID]) -> None:
        """Replaces what was known of a document; `copies` may be left out as copies of it."""
        key = likeness.document_id
        with self._errors():
            self._unlink([key])
            if copies:
                grown = {"$addToSet": {"originals": key}}
                self._likenesses.update_many({"_id": {"$in": list(copies)}}, grown)
            self._likenesses.replace_one({"_id": key}, _record(likeness), upsert=True)

    def remove(self, document_ids: Collection[UUID]) -> None:
        """Forgets documents; what was a copy of them alone is none any more."""
        keys = list(document_ids)
        with self._errors():
            for start in range(0, len(keys), _BATCH):
                batch = keys[start : start + _BATCH]
                self._unlink(batch)
                linked = {"$or": [{"same_as": {"$in": batch}}, {"_id": {"$in": batch}}]}
                self._documents.update_many(linked, {"$unset": {"same_as": 1}})
                self._likenesses.delete_many({"_id": {"$in": batch}})

    def count(self, document_ids: Collection[UUID]) -> int:
        """Returns how many of the documents are known here."""
        keys = list(document_ids)
        batches = [keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH)]
        with self._errors():
            return sum(self._likenesses.count_documents({"_id": {"$in": one}}) for one in batches)

    def candidates(self) -> Sequence[Likeness]:
        """Returns the documents that may be a copy, or the original of one, keys left out."""
        with self._errors():
            copies = list(self._likenesses.find({"originals.0": {"$exists": True}}, {"keys": 0}))
            known = {one["_id"] for one in copies}
            missing = {original for one in copies for original in one["originals"]} - known
            others = self._likenesses.find({"_id": {"$in": list(missing)}}, {"keys": 0})
            return [_likeness(one) for one in [*copies, *others]]

    def link(self, originals: Mapping[UUID, UUID]) -> None:
        """Notes the original of every copy; other documents have none from now on."""
        before = self.links()
        none = {"$unset": {"same_as": 1}}
        changes = [UpdateOne({"_id": copy}, none) for copy in before.keys() - originals.keys()]
        changes += [
            UpdateOne({"_id": copy}, {"$set": {"same_as": original}})
            for copy, original in originals.items()
            if before.get(copy) != original
        ]
        with self._errors():
            if changes:
                self._documents.bulk_write(changes, ordered=False)

    def links(self) -> Mapping[UUID, UUID]:
        """Returns the original of every copy."""
        with self._errors():
            found = self._documents.find({"same_as": {"$exists": True}}, {"same_as": 1})
            return {one["_id"]: one["same_as"] for one in found}

    def _unlink(self, keys: list[UUID]) -> None:
        named = {"originals": {"$in": keys}}
        self._likenesses.update_many(named, {"$pull": named})


def _record(likeness: Likeness) -> Record:
    return {
        "_id": likeness.document_id,
        "revision": likeness.revision,
        "rules": likeness.rules,
        "keys": list(likeness.keys),
        "precedence": likeness.precedence,
        "originals": sorted(likeness.originals),
    }


def _likeness(record: Record) -> Likeness:
    return Likeness(
        document_id=record["_id"],
        revision=record["revision"],
        rules=record["rules"],
        keys=tuple(record.get("keys", ())),
        precedence=record["precedence"],
        originals=frozenset(record["originals"]),
    )
