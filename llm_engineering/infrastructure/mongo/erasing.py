"""Finding and deleting everything that is kept of a document: contents, record, and author."""

from collections.abc import Collection as Some
from collections.abc import Iterator, Mapping
from uuid import UUID

from pymongo.collection import Collection
from pymongo.database import Database

from llm_engineering.domain.names import author_keys, parsed_name
from llm_engineering.infrastructure.mongo.records import Record, revision_key

_BATCH = 1000


class Erasure:
    """The collections of the documents. Errors of pymongo go through to the caller."""

    def __init__(self, database: Database[Record]) -> None:
        self._documents = database["documents"]
        self._revisions = database["revisions"]
        self._contents = {name: database[name] for name in ("revisions", "raw", "cleaned")}
        self._users = database["users"]

    def written_by(self, author: str) -> Some[UUID]:
        """Returns the documents of which any revision names the author, alone or among others."""
        key = parsed_name(author).key
        stored: list[str | None] = self._revisions.distinct("author_full_name")
        spellings = [name for name in stored if key in author_keys(name)]
        found = self._revisions.find({"author_full_name": {"$in": spellings}}, {"_id": 1})
        return {record["_id"]["document"] for record in found}

    def url(self, document_id: UUID) -> str | None:
        """Returns the address of a document."""
        found = self._revisions.find_one(_of(document_id), {"url": 1})
        return found["url"] if found else None

    def solely_by(self, document_ids: Some[UUID]) -> Some[UUID]:
        """Returns the authors all of whose documents are among these."""
        authors: set[UUID] = set()
        for one in document_ids:
            authors.update(filter(None, self._revisions.distinct("author_id", _of(one))))
        others = self._revisions.find({"author_id": {"$in": list(authors)}}, {"author_id": 1})
        return authors - {
            record["author_id"]
            for record in others
            if record["_id"]["document"] not in document_ids
        }

    def held(self, document_ids: Some[UUID], users: Some[UUID]) -> Mapping[str, int]:
        """Returns how many records of each kind there are of them."""
        counts = {
            name: sum(collection.count_documents(_of(one)) for one in document_ids)
            for name, collection in self._contents.items()
        }
        return {
            "documents": _count(self._documents, document_ids),
            **counts,
            "users": _count(self._users, users),
        }

    def delete(self, document_ids: Some[UUID], users: Some[UUID]) -> None:
        """Deletes them. A document's own record goes first: what is left then cannot be seen."""
        for batch in _batches(document_ids):
            self._documents.delete_many({"_id": {"$in": batch}})
        for batch in _batches(users):
            self._users.delete_many({"_id": {"$in": batch}})
        for one in document_ids:
            for name in ("raw", "cleaned", "revisions"):  # the last: they tell address and author
                self._contents[name].delete_many(_of(one))


def _of(document_id: UUID) -> Record:
    """Returns the condition for a document's revisions, by a range of their index."""
    last = revision_key(document_id, "g")  # above all hexadecimal digits
    return {"_id": {"$gte": revision_key(document_id, ""), "$lt": last}}


def _count(collection: Collection[Record], ids: Some[UUID]) -> int:
    return sum(collection.count_documents({"_id": {"$in": batch}}) for batch in _batches(ids))


def _batches(ids: Some[UUID]) -> Iterator[list[UUID]]:
    ordered = list(ids)
    return (ordered[start : start + _BATCH] for start in range(0, len(ordered), _BATCH))
