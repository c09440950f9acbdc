"""A DocumentStore in memory: unit tests and dry runs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from llm_engineering.domain.cleaned_documents import CleanedDocument
from llm_engineering.domain.documents import Document, UserDocument
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.types import DataCategory, SaveOutcome


class InMemoryDocumentStore:
    """Keeps everything in dictionaries. Set `outage` to have every call raise StoreUnavailable.

    `visited_at` says when each document was last seen.
    """

    def __init__(self) -> None:
        self.outage = False
        self.visited_at: dict[UUID, datetime] = {}
        self._revisions: dict[UUID, dict[str, Document]] = {}
        self._current: dict[UUID, str] = {}
        self._cleaned: dict[tuple[UUID, str], CleanedDocument] = {}
        self._users: dict[UUID, UserDocument] = {}

    def save(self, document: Document) -> SaveOutcome:
        """Stores a revision and its author, and makes it the current one of its document."""
        self.ping()
        before = self._current.get(document.id)
        seen = self.visited_at.get(document.id, document.fetched_at)
        self.visited_at[document.id] = max(seen, document.fetched_at)
        if before == document.revision:
            return SaveOutcome.UNCHANGED
        self._revisions.setdefault(document.id, {}).setdefault(document.revision, document)
        self._current[document.id] = document.revision
        if document.author_full_name:
            author = UserDocument.named(document.author_full_name)
            self._users.setdefault(author.id, author)
        return SaveOutcome.CHANGED if before else SaveOutcome.NEW

    def current(self, document_id: UUID) -> Document | None:
        """Returns the current revision of a document, raw bytes included."""
        self.ping()
        return self.revision(document_id, self._current.get(document_id, ""))

    def revision(self, document_id: UUID, revision: str) -> Document | None:
        """Returns that revision of a document, raw bytes included."""
        self.ping()
        return self._revisions.get(document_id, {}).get(revision)

    def revisions(self, document_id: UUID) -> Sequence[str]:
        """Returns all revisions of a document, oldest first."""
        self.ping()
        return list(self._revisions.get(document_id, {}))

    def current_revisions(self) -> Mapping[UUID, str]:
        """Returns the current revision of every document."""
        self.ping()
        return dict(self._current)

    def documents(self, category: DataCategory | None = None) -> Iterator[Document]:
        """Yields the current revision of every document, without raw bytes, ordered by id."""
        self.ping()
        for document_id in sorted(self._current):
            document = self._revisions[document_id][self._current[document_id]]
            if category in (None, document.category):
                yield document.model_copy(update={"raw": None})

    def save_cleaned(self, cleaned: CleanedDocument) -> None:
        """Stores the cleaned text of a revision; the same revision again replaces it."""
        self.ping()
        self._cleaned[cleaned.document_id, cleaned.revision] = cleaned

    def cleaned(self, document_id: UUID, revision: str) -> CleanedDocument | None:
        """Returns the cleaned text of a revision."""
        self.ping()
        return self._cleaned.get((document_id, revision))

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
