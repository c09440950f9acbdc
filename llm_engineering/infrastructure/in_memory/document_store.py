"""A DocumentStore in memory: unit tests and dry runs."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from llm_engineering.domain.cleaned_documents import CleanedDocument
from llm_engineering.domain.documents import (
    Document,
    Tombstone,
    UserDocument,
    author_mark,
    author_marks,
)
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.ids import document_id
from llm_engineering.domain.names import author_keys, parsed_name
from llm_engineering.domain.past import RevisionTimes
from llm_engineering.domain.types import DataCategory, SaveOutcome


class InMemoryDocumentStore:
    """Keeps everything in dictionaries. Set `outage` to have every call raise StoreUnavailable.

    `visited_at` says when each document was last seen, `gone` when and why it went.
    """

    def __init__(self) -> None:
        self.outage = False
        self.visited_at: dict[UUID, datetime] = {}
        self.gone: dict[UUID, tuple[datetime, str]] = {}
        self._tombstones: dict[UUID, Tombstone] = {}
        self._revisions: dict[UUID, dict[str, Document]] = {}
        self._current: dict[UUID, str] = {}
        self._cleaned: dict[tuple[UUID, str], CleanedDocument] = {}
        self._users: dict[UUID, UserDocument] = {}

    def save(self, document: Document) -> SaveOutcome:
        """Stores a revision and its author, and makes it the current one of its document."""
        self.ping()
        marks = author_marks(document.author_full_name)
        if self._tombstones.keys() & {document.id, document_id(document.url), *marks}:
            return SaveOutcome.FORGOTTEN
        before = self._current.get(document.id)
        seen = self.visited_at.get(document.id, document.fetched_at)
        self.visited_at[document.id] = max(seen, document.fetched_at)
        was_gone = self.gone.pop(document.id, None) is not None
        if before == document.revision and not was_gone:
            return SaveOutcome.UNCHANGED
        self._revisions.setdefault(document.id, {}).setdefault(document.revision, document)
        self._current[document.id] = document.revision
        if document.author_full_name:
            author = UserDocument.named(document.author_full_name)
            self._users.setdefault(author.id, author)
        return SaveOutcome.CHANGED if before else SaveOutcome.NEW

    def mark_gone(self, document_id: UUID, at: datetime, reason: str) -> bool:
        """Takes a document out of the current ones; returns whether it was there."""
        self.ping()
        there = document_id in self._current and document_id not in self.gone
        if there:
            self.gone[document_id] = (at, reason)
        return there

    def bury(self, tombstones: Sequence[Tombstone]) -> None:
        """Keeps documents, or all that an author wrote, from being saved ever again."""
        self.ping()
        for tombstone in tombstones:
            self._tombstones.setdefault(tombstone.id, tombstone)

    def tombstones(self) -> Sequence[Tombstone]:
        """Returns what must not be saved, ordered by id."""
        self.ping()
        return [self._tombstones[one] for one in sorted(self._tombstones)]

    def buried(self, ids: Collection[UUID]) -> Collection[UUID]:
        """Returns those of these documents and authors for which a tombstone stands."""
        self.ping()
        return self._tombstones.keys() & set(ids)

    def written_by(self, author: str) -> Collection[UUID]:
        """Returns the documents of which any revision names the author."""
        self.ping()
        key = parsed_name(author).key
        return {one.id for one in self._all() if key in author_keys(one.author_full_name)}

    def url(self, document_id: UUID) -> str | None:
        """Returns the address of a document."""
        self.ping()
        return next((one.url for one in self._all() if one.id == document_id), None)

    def solely_by(self, document_ids: Collection[UUID]) -> Collection[UUID]:
        """Returns the authors all of whose documents are among these."""
        self.ping()
        authors = {one.author_id for one in self._all() if one.id in document_ids}
        others = {one.author_id for one in self._all() if one.id not in document_ids}
        return {one for one in authors - others if one}

    def held(self, document_ids: Collection[UUID], users: Collection[UUID]) -> Mapping[str, int]:
        """Returns how many records of each kind are theirs."""
        self.ping()
        revisions = [one for one in self._all() if one.id in document_ids]
        return {
            "documents": len(self._current.keys() & set(document_ids)),
            "revisions": len(revisions),
            "raw": sum(one.raw is not None for one in revisions),
            "cleaned": sum(document in document_ids for document, _ in self._cleaned),
            "users": len(self._users.keys() & set(users)),
        }

    def delete(self, document_ids: Collection[UUID], users: Collection[UUID]) -> None:
        """Deletes documents in every revision, and authors from the catalogue."""
        self.ping()
        for one in document_ids:
            self._current.pop(one, None)
            self._revisions.pop(one, None)
            self.gone.pop(one, None)
            self.visited_at.pop(one, None)
        self._cleaned = {key: it for key, it in self._cleaned.items() if key[0] not in document_ids}
        self._users = {key: user for key, user in self._users.items() if key not in users}

    def _all(self) -> Iterator[Document]:
        for revisions in self._revisions.values():
            yield from revisions.values()

    def unbury(self, ids: Collection[UUID]) -> None:
        """Takes these tombstones away; ids that have none are passed over."""
        self.ping()
        for one in ids:
            self._tombstones.pop(one, None)

    def current(self, document_id: UUID) -> Document | None:
        """Returns the current revision of a document that is not gone, raw bytes included."""
        return self.revision(document_id, self.current_revisions().get(document_id, ""))

    def revision(self, document_id: UUID, revision: str) -> Document | None:
        """Returns that revision of a document, raw bytes included."""
        self.ping()
        return self._revisions.get(document_id, {}).get(revision)

    def contents(self, revisions: Mapping[UUID, str]) -> Mapping[UUID, Document]:
        """Returns that revision of each document, without raw bytes."""
        found = {one: self.revision(one, revision) for one, revision in revisions.items()}
        return {
            one: document.model_copy(update={"raw": None})
            for one, document in found.items()
            if document
        }

    def revisions(self, document_id: UUID) -> Sequence[str]:
        """Returns all revisions of a document, oldest first."""
        self.ping()
        return list(self._revisions.get(document_id, {}))

    def current_revisions(self) -> Mapping[UUID, str]:
        """Returns the current revision of every document that is not gone."""
        self.ping()
        return {one: now for one, now in self._current.items() if one not in self.gone}

    def current_at(self, moment: datetime) -> Mapping[UUID, str]:
        """Returns the revision of each document that was current at a moment."""
        self.ping()
        found: dict[UUID, str] = {}
        for one, revisions in self._revisions.items():
            times = RevisionTimes(
                current=self._current[one],
                visited_at=self.visited_at[one],
                gone_at=self.gone[one][0] if one in self.gone else None,
                fetched={revision: it.fetched_at for revision, it in revisions.items()},
            )
            if revision := times.at(moment):
                found[one] = revision
        return found

    def documents(
        self, category: DataCategory | None = None, after: UUID | None = None
    ) -> Iterator[Document]:
        """Yields the current revision of every document, without raw bytes, ordered by id."""
        current = self.current_revisions()
        for one, revision in sorted(current.items()):
            if after and one <= after:
                continue
            document = self._revisions[one][revision]
            if category in (None, document.category):
                yield document.model_copy(update={"raw": None})

    def save_cleaned(self, cleaned: CleanedDocument) -> None:
        """Stores the cleaned text of a revision; the same revision again replaces it."""
        self.ping()
        marks = author_marks(cleaned.author_full_name)
        if not self._tombstones.keys() & {cleaned.document_id, *marks}:
            self._cleaned[cleaned.document_id, cleaned.revision] = cleaned

    def save_all_cleaned(self, texts: Sequence[CleanedDocument]) -> None:
        """Stores the cleaned texts of revisions."""
        for cleaned in texts:
            self.save_cleaned(cleaned)

    def cleaned(self, document_id: UUID, revision: str) -> CleanedDocument | None:
        """Returns the cleaned text of a revision."""
        self.ping()
        return self._cleaned.get((document_id, revision))

    def cleaned_texts(self, revisions: Mapping[UUID, str]) -> Mapping[UUID, CleanedDocument]:
        """Returns the cleaned text of that revision of each document, where there is one."""
        self.ping()
        return {one[0]: self._cleaned[one] for one in revisions.items() if one in self._cleaned}

    def add_user(self, user: UserDocument) -> bool:
        """Adds an author to the catalogue; False, and nothing is added, at a tombstone."""
        self.ping()
        forgotten = author_mark(user.full_name) in self._tombstones
        if not forgotten:
            self._users.setdefault(user.id, user)
        return not forgotten

    def users(self) -> Sequence[UserDocument]:
        """Returns the catalogue of authors, ordered by full name."""
        self.ping()
        return sorted(self._users.values(), key=lambda user: (user.full_name, user.id))

    def counts(self) -> Mapping[str, int]:
        """Returns how many `users`, `cleaned`, `revisions`, and documents by category there are."""
        by_category = Counter(document.category for document in self.documents())
        return {
            "users": len(self._users),
            "cleaned": len(self._cleaned),
            "revisions": sum(map(len, self._revisions.values())),
            "gone": len(self.gone),
            **{category.value: by_category[category] for category in DataCategory},
        }

    def ping(self) -> None:
        """Returns, unless there is an outage.

        Raises:
            StoreUnavailable: `outage` is set.
        """
        if self.outage:
            raise StoreUnavailable("the in-memory store is set to be unavailable")

    def close(self) -> None:
        """Does nothing."""
