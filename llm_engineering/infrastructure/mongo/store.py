"""DocumentStore on MongoDB: the embedded server, a server, a replica set or a cluster, by URI.

Collections: `documents` says which revisions a document has and which one is current; `revisions`,
`raw` and `cleaned` hold their contents under (document, revision); `users` is the catalogue;
`tombstones` has the ids of what was forgotten. A document with the field `gone` is out of the
current ones until it is saved again.

`save` writes the contents first and `documents` last, in one atomic update. What `documents` does
not name does not exist, so a process that is killed between two writes leaves nothing to be seen,
and the next save of that revision completes it. Forgetting sets up its tombstone first and deletes
then; `save` looks for one before it writes and once more after it, and takes back what it wrote:
whichever of the two comes first, nothing of a forgotten document is left. No transaction is
needed, and a standalone server serves as well as a replica set. Every write waits for the journal
of the majority.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Collection as Some
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Self
from uuid import UUID

from pymongo import MongoClient, ReplaceOne, ReturnDocument
from pymongo.collection import Collection

from llm_engineering.domain.cleaned_documents import CleanedDocument
from llm_engineering.domain.documents import (
    Document,
    Tombstone,
    UserDocument,
    author_mark,
    author_marks,
)
from llm_engineering.domain.errors import IntegrityError
from llm_engineering.domain.ids import document_id as id_of_url
from llm_engineering.domain.types import DataCategory, SaveOutcome
from llm_engineering.infrastructure.mongo import records
from llm_engineering.infrastructure.mongo.database import open_client
from llm_engineering.infrastructure.mongo.erasing import Erasure
from llm_engineering.infrastructure.mongo.errors import hosts_of, translated
from llm_engineering.infrastructure.mongo.past import revisions_at
from llm_engineering.infrastructure.mongo.records import Record, revision_key
from llm_engineering.infrastructure.mongo.tombstones import Tombstones

_PAGE = 50  # documents; each may have 16 MiB
_HERE: Record = {"gone": {"$exists": False}}


class MongoDocumentStore:
    """Documents, revisions, cleaned texts and authors in one database. Use `connect`."""

    def __init__(
        self,
        client: MongoClient[Record],
        database: str,
        hosts: str,
        why_down: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._client = client
        self._hosts = hosts
        self._why_down = why_down
        self._documents: Collection[Record] = client[database]["documents"]
        self._revisions: Collection[Record] = client[database]["revisions"]
        self._raw: Collection[Record] = client[database]["raw"]
        self._cleaned: Collection[Record] = client[database]["cleaned"]
        self._users: Collection[Record] = client[database]["users"]
        self._tombstones = Tombstones(client[database]["tombstones"])
        self._erasure = Erasure(client[database])

    @classmethod
    def connect(
        cls,
        uri: str,
        database: str,
        timeout_s: float = 5.0,
        why_down: Callable[[], str | None] = lambda: None,
    ) -> Self:
        """Returns the store in `database`, reachable and with its indexes.

        Args:
            uri: mongodb:// or mongodb+srv://, with user and password if need be.
            database: its name.
            timeout_s: how long to look for the server, now and later.
            why_down: gives the reason of an outage, if whoever runs the server knows it.

        Raises:
            ConfigurationError: the URI is wrong, or the server refuses user or password.
            StoreUnavailable: no server is found in time.
        """
        hosts = hosts_of(uri)
        store = cls(open_client(uri, timeout_s), database, hosts, why_down)
        try:
            store.ping()
            with store._errors():
                store._documents.create_index([("category", 1), ("_id", 1)])
        except BaseException:
            store.close()
            raise
        return store

    def save(self, document: Document) -> SaveOutcome:
        """Stores a revision and its author, and makes it the current one of its document.

        Raises:
            DocumentError: the text, or the compressed raw bytes, exceed the 16 MiB of MongoDB.
            StoreUnavailable: MongoDB cannot be reached.
        """
        marks = author_marks(document.author_full_name)
        forgotten = (document.id, id_of_url(document.url), *marks)
        with self._errors(document.url):
            if self._tombstones.forbid(*forgotten):
                return SaveOutcome.FORGOTTEN
            if self._visit_again(document):
                return SaveOutcome.UNCHANGED
            self._store_contents(document)
            outcome = self._make_current(document)
            if self._tombstones.forbid(*forgotten):  # it was forgotten while this was written
                self._erasure.delete([document.id], self._erasure.solely_by([document.id]))
                return SaveOutcome.FORGOTTEN
            return outcome

    def mark_gone(self, document_id: UUID, at: datetime, reason: str) -> bool:
        """Takes a document out of the current ones; returns whether it was there."""
        gone = {"gone": {"at": at.isoformat(), "reason": reason}}
        with self._errors():
            result = self._documents.update_one({"_id": document_id, **_HERE}, {"$set": gone})
        return result.matched_count == 1

    def bury(self, tombstones: Sequence[Tombstone]) -> None:
        """Keeps documents, or all that an author wrote, from being saved ever again."""
        with self._errors():
            self._tombstones.add(tombstones)

    def tombstones(self) -> Sequence[Tombstone]:
        """Returns what must not be saved, ordered by id."""
        with self._errors():
            return self._tombstones.all()

    def buried(self, ids: Some[UUID]) -> Some[UUID]:
        """Returns those of these documents and authors for which a tombstone stands."""
        with self._errors():
            return self._tombstones.among(ids)

    def written_by(self, author: str) -> Some[UUID]:
        """Returns the documents of which any revision names the author."""
        with self._errors():
            return self._erasure.written_by(author)

    def url(self, document_id: UUID) -> str | None:
        """Returns the address of a document, be it gone or not."""
        with self._errors():
            return self._erasure.url(document_id)

    def solely_by(self, document_ids: Some[UUID]) -> Some[UUID]:
        """Returns the authors all of whose documents are among these."""
        with self._errors():
            return self._erasure.solely_by(document_ids)

    def held(self, document_ids: Some[UUID], users: Some[UUID]) -> Mapping[str, int]:
        """Returns how many records of each kind are theirs."""
        with self._errors():
            return self._erasure.held(document_ids, users)

    def delete(self, document_ids: Some[UUID], users: Some[UUID]) -> None:
        """Deletes documents in every revision, and authors from the catalogue."""
        with self._errors():
            self._erasure.delete(document_ids, users)

    def unbury(self, ids: Some[UUID]) -> None:
        """Takes these tombstones away; ids that have none are passed over."""
        with self._errors():
            self._tombstones.remove(ids)

    def current(self, document_id: UUID) -> Document | None:
        """Returns the current revision of a document that is not gone, raw bytes included."""
        with self._errors():
            known = self._documents.find_one({"_id": document_id, **_HERE}, {"current": 1})
            return self._load(document_id, known["current"]) if known else None

    def revision(self, document_id: UUID, revision: str) -> Document | None:
        """Returns that revision of a document, raw bytes included."""
        with self._errors():
            known = self._documents.count_documents({"_id": document_id, "revisions": revision})
            return self._load(document_id, revision) if known else None

    def contents(self, revisions: Mapping[UUID, str]) -> Mapping[UUID, Document]:
        """Returns that revision of each document, without raw bytes; what is missing is left out.

        Raises:
            IntegrityError: a revision that is known has no content.
        """
        with self._errors():
            known = self._documents.find({"_id": {"$in": list(revisions)}}, {"revisions": 1})
            wanted = [one["_id"] for one in known if revisions[one["_id"]] in one["revisions"]]
            keys = [revision_key(one, revisions[one]) for one in wanted]
            found = [records.document_of(it) for it in self._revisions.find(_among(keys))]
        _check(len(found), len(keys))
        return {document.id: document for document in found}

    def revisions(self, document_id: UUID) -> Sequence[str]:
        """Returns all revisions of a document, oldest first."""
        with self._errors():
            known = self._documents.find_one({"_id": document_id}, {"revisions": 1})
        return list(known["revisions"]) if known else []

    def current_revisions(self) -> Mapping[UUID, str]:
        """Returns the current revision of every document that is not gone."""
        with self._errors():
            found = self._documents.find(_HERE, {"current": 1})
            return {one["_id"]: one["current"] for one in found}

    def current_at(self, moment: datetime) -> Mapping[UUID, str]:
        """Returns the revision of each document that was current at a moment."""
        with self._errors():
            return revisions_at(self._documents, self._revisions, moment)

    def documents(
        self, category: DataCategory | None = None, after: UUID | None = None
    ) -> Iterator[Document]:
        """Yields the current revision of every document, without raw bytes, ordered by id.

        They come in pages, each by a query of its own: the caller may take hours between two.
        """
        where = {**_HERE, "category": category.value} if category else _HERE
        page = self._page({**where, "_id": {"$gt": after}} if after else where)
        while page:
            yield from page
            page = self._page({**where, "_id": {"$gt": page[-1].id}})

    def save_cleaned(self, cleaned: CleanedDocument) -> None:
        """Stores the cleaned text of a revision; the same revision again replaces it."""
        record = records.cleaned_record(cleaned)
        key = {"_id": record["_id"]}
        with self._errors(cleaned.url):
            self._cleaned.replace_one(key, record, upsert=True)
            if self._tombstones.forbid(
                cleaned.document_id, *author_marks(cleaned.author_full_name)
            ):
                self._cleaned.delete_one(key)

    def save_all_cleaned(self, texts: Sequence[CleanedDocument]) -> None:
        """Stores the cleaned texts of revisions in one go, and looks for tombstones once.

        Raises:
            DocumentError: a text exceeds the 16 MiB of MongoDB; some of the others are stored.
        """
        stored = [records.cleaned_record(cleaned) for cleaned in texts]
        writes = [ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in stored]
        owners = [(one.document_id, *author_marks(one.author_full_name)) for one in texts]
        if not writes:
            return
        with self._errors("a cleaned text"):
            self._cleaned.bulk_write(writes, ordered=False)
            standing = self._tombstones.among({one for ids in owners for one in ids})
            forbidden = [
                one["_id"]
                for one, ids in zip(stored, owners, strict=True)
                if not standing.isdisjoint(ids)
            ]
            if forbidden:
                self._cleaned.delete_many(_among(forbidden))

    def cleaned(self, document_id: UUID, revision: str) -> CleanedDocument | None:
        """Returns the cleaned text of a revision."""
        with self._errors():
            record = self._cleaned.find_one({"_id": revision_key(document_id, revision)})
        return records.cleaned_of(record) if record else None

    def cleaned_texts(self, revisions: Mapping[UUID, str]) -> Mapping[UUID, CleanedDocument]:
        """Returns the cleaned text of that revision of each document, where there is one."""
        with self._errors():
            found = list(
                self._cleaned.find(_among([revision_key(*one) for one in revisions.items()]))
            )
        texts = [records.cleaned_of(record) for record in found]
        return {cleaned.document_id: cleaned for cleaned in texts}

    def add_user(self, user: UserDocument) -> bool:
        """Adds an author to the catalogue; False, and nothing is added, at a tombstone."""
        with self._errors():
            if self._tombstones.forbid(author_mark(user.full_name)):
                return False
            _insert_once(self._users, records.user_record(user))
        return True

    def users(self) -> Sequence[UserDocument]:
        """Returns the catalogue of authors, ordered by full name."""
        with self._errors():
            users = [records.user_of(record) for record in self._users.find()]
        return sorted(users, key=lambda user: (user.full_name, user.id))

    def counts(self) -> Mapping[str, int]:
        """Returns how many `users`, `cleaned`, `revisions`, and documents by category there are."""
        gone = {"$sum": {"$cond": ["$gone", 1, 0]}}
        sizes = {"all": {"$sum": 1}, "gone": gone, "revisions": {"$sum": {"$size": "$revisions"}}}
        with self._errors():
            groups = list(self._documents.aggregate([{"$group": {"_id": "$category", **sizes}}]))
            return {
                "users": self._users.count_documents({}),
                "cleaned": self._cleaned.count_documents({}),
                "revisions": sum(one["revisions"] for one in groups),
                "gone": sum(one["gone"] for one in groups),
                **dict.fromkeys(_CATEGORIES, 0),
                **{one["_id"]: one["all"] - one["gone"] for one in groups},
            }

    def ping(self) -> None:
        """Returns when the server answers."""
        with self._errors():
            self._client.admin.command("ping")

    def close(self) -> None:
        """Gives the connections back."""
        self._client.close()

    def _visit_again(self, document: Document) -> bool:
        """Returns whether the revision is current already, and then notes the visit."""
        current = {"_id": document.id, "current": document.revision, **_HERE}
        visit = {"$max": {"visited_at": document.fetched_at}}
        return self._documents.update_one(current, visit).matched_count == 1

    def _store_contents(self, document: Document) -> None:
        """Writes what `_make_current` will refer to. What is there already stays as it is."""
        if document.raw is not None:
            _insert_once(self._raw, records.raw_record(document, document.raw))
        _insert_once(self._revisions, records.document_record(document))
        if document.author_full_name:
            author = UserDocument.named(document.author_full_name)
            _insert_once(self._users, records.user_record(author))

    def _make_current(self, document: Document) -> SaveOutcome:
        """Adds the revision if it is new, and points to it: one atomic update."""
        revision = {"$literal": document.revision}
        known = {"$ifNull": ["$revisions", []]}
        grown = {"$concatArrays": [known, [revision]]}
        fields = {
            "current": revision,
            "category": document.category.value,
            "revisions": {"$cond": [{"$in": [revision, known]}, known, grown]},
            "visited_at": {"$max": ["$visited_at", document.fetched_at]},
        }
        before = self._documents.find_one_and_update(
            {"_id": document.id},
            [{"$set": fields}, {"$unset": "gone"}],
            {"current": 1, "gone": 1},
            upsert=True,
            return_document=ReturnDocument.BEFORE,
        )
        if not before:
            return SaveOutcome.NEW
        same = before["current"] == document.revision and "gone" not in before
        return SaveOutcome.UNCHANGED if same else SaveOutcome.CHANGED

    def _load(self, document_id: UUID, revision: str) -> Document:
        key = revision_key(document_id, revision)
        record = self._revisions.find_one({"_id": key})
        if record is None:
            raise IntegrityError(f"revision {revision} of document {document_id} has no content")
        return records.document_of(record, records.raw_of(self._raw.find_one({"_id": key})))

    def _page(self, where: Record) -> list[Document]:
        """Returns the next documents in the order of their ids."""
        with self._errors():
            known = self._documents.find(where, {"current": 1}).sort("_id").limit(_PAGE)
            keys = [revision_key(one["_id"], one["current"]) for one in known]
            found = list(self._revisions.find(_among(keys)).sort("_id"))
        _check(len(found), len(keys))
        return [records.document_of(record) for record in found]

    def _errors(self, url: str | None = None) -> AbstractContextManager[None]:
        return translated(self._hosts, url, self._why_down)


_CATEGORIES = tuple(category.value for category in DataCategory)


def _among(keys: Sequence[object]) -> Record:
    return {"_id": {"$in": list(keys)}}


def _check(found: int, expected: int) -> None:
    if found != expected:
        raise IntegrityError(f"{expected - found} revisions have no content")


def _insert_once(collection: Collection[Record], record: Record) -> None:
    fields = {name: value for name, value in record.items() if name != "_id"}
    collection.update_one({"_id": record["_id"]}, {"$setOnInsert": fields}, upsert=True)
