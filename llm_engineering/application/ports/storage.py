"""The two stores of the data path: documents (MongoDB) and chunks (Qdrant)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.cleaned_documents import CleanedDocument
from llm_engineering.domain.documents import Document, Tombstone, UserDocument
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.queries import (
    Arm,
    Candidate,
    EmbeddedQuery,
    ScoredChunk,
    SearchFilters,
)
from llm_engineering.domain.releases import Generation
from llm_engineering.domain.types import DataCategory, SaveOutcome


class DocumentStore(Protocol):
    """Documents in every revision, their cleaned texts, and the catalogue of authors.

    Every write that returned is on disk. Every method raises StoreUnavailable when the store
    cannot be reached.
    """

    def save(self, document: Document) -> SaveOutcome:
        """Stores a revision (and its author) and makes it the current one of its document.

        A revision is never altered: saving one that is current already changes nothing but the
        time of the last visit, and says UNCHANGED. A document that was gone is back, and CHANGED.
        Where a tombstone stands for the document, its URL or its author, nothing is stored, and
        the answer is FORGOTTEN.
        """
        ...

    def mark_gone(self, document_id: UUID, at: datetime, reason: str) -> bool:
        """Takes a document out of the current ones: its page is no more. Saving it ends that.

        Returns whether it was there and not gone before. Its revisions stay readable.
        """
        ...

    def bury(self, tombstones: Sequence[Tombstone]) -> None:
        """Keeps documents, or all that an author wrote, from being saved ever again."""
        ...

    def tombstones(self) -> Sequence[Tombstone]:
        """Returns what must not be saved, ordered by id."""
        ...

    def buried(self, ids: Collection[UUID]) -> Collection[UUID]:
        """Returns those of these documents and authors for which a tombstone stands."""
        ...

    def written_by(self, author: str) -> Collection[UUID]:
        """Returns the documents of which any revision names the author, alone or among others.

        However the name is spelled: see `domain.names`.
        """
        ...

    def url(self, document_id: UUID) -> str | None:
        """Returns the address of a document, be it gone or not."""
        ...

    def solely_by(self, document_ids: Collection[UUID]) -> Collection[UUID]:
        """Returns the authors all of whose documents are among these."""
        ...

    def held(self, document_ids: Collection[UUID], users: Collection[UUID]) -> Mapping[str, int]:
        """Returns how many `documents`, `revisions`, `raw`, `cleaned` and `users` are theirs."""
        ...

    def delete(self, document_ids: Collection[UUID], users: Collection[UUID]) -> None:
        """Deletes documents in every revision, and authors from the catalogue."""
        ...

    def unbury(self, ids: Collection[UUID]) -> None:
        """Takes these tombstones away; ids that have none are passed over."""
        ...

    def current(self, document_id: UUID) -> Document | None:
        """Returns the current revision of a document that is not gone, raw bytes included."""
        ...

    def revision(self, document_id: UUID, revision: str) -> Document | None:
        """Returns that revision of a document, raw bytes included."""
        ...

    def contents(self, revisions: Mapping[UUID, str]) -> Mapping[UUID, Document]:
        """Returns that revision of each document, without raw bytes; what is missing is left out.

        All are held in memory at once.
        """
        ...

    def revisions(self, document_id: UUID) -> Sequence[str]:
        """Returns all revisions of a document, oldest first."""
        ...

    def current_revisions(self) -> Mapping[UUID, str]:
        """Returns the current revision of every document that is not gone."""
        ...

    def current_at(self, moment: datetime) -> Mapping[UUID, str]:
        """Returns the revision of each document that was current at a moment.

        Of revisions it is known when they were fetched first: a document that went back to an
        earlier one has that again only from its last visit on.
        """
        ...

    def documents(
        self, category: DataCategory | None = None, after: UUID | None = None
    ) -> Iterator[Document]:
        """Yields the current revision of every document, without raw bytes, ordered by id.

        Those that are gone are left out, and with `after` all up to that id.
        """
        ...

    def save_cleaned(self, cleaned: CleanedDocument) -> None:
        """Stores the cleaned text of a revision; the same revision again replaces it.

        Where a tombstone stands, nothing is stored.
        """
        ...

    def save_all_cleaned(self, texts: Sequence[CleanedDocument]) -> None:
        """Does for each of the texts what `save_cleaned` does.

        After a DocumentError some are stored, and which one is at fault is not known.
        """
        ...

    def cleaned(self, document_id: UUID, revision: str) -> CleanedDocument | None:
        """Returns the cleaned text of a revision."""
        ...

    def cleaned_texts(self, revisions: Mapping[UUID, str]) -> Mapping[UUID, CleanedDocument]:
        """Returns the cleaned text of that revision of each document, where there is one."""
        ...

    def add_user(self, user: UserDocument) -> bool:
        """Adds an author to the catalogue; False, and nothing is added, at a tombstone."""
        ...

    def users(self) -> Sequence[UserDocument]:
        """Returns the catalogue of authors, ordered by full name."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Returns how many `users`, `cleaned`, `revisions`, and documents by category there are.

        Documents that are gone count as `gone` and in no category.
        """
        ...

    def ping(self) -> None:
        """Returns when the store answers."""
        ...

    def close(self) -> None:
        """Gives the connection back; the store is not used after it."""
        ...


@dataclass(frozen=True)
class IndexedDocument:
    """What an index holds of a revision: `chunks` of `total` (equal when it is whole)."""

    revision: str
    chunks: int
    total: int


@dataclass(frozen=True)
class GenerationStatus:
    """A generation in the index, its number of chunks, and whether the alias points to it.

    `size` is what it takes on disk, in bytes; None where the index does not tell.
    """

    generation: Generation
    chunks: int
    live: bool
    size: int | None = None


class ChunkIndex(Protocol):
    """Embedded chunks in generations, one of which is live: searches read that one.

    Writes name their generation. They are seen by the handle that made them at once, and by every
    other handle and process once `commit` returned. One writer at a time: a second one gets
    StoreUnavailable. Every method raises StoreUnavailable when the index cannot be reached, and
    InvalidInput for a generation that does not exist.
    """

    def create(self, generation: Generation) -> None:
        """Makes an empty generation; does nothing when it exists."""
        ...

    def generations(self) -> Sequence[GenerationStatus]:
        """Returns all generations, ordered by name."""
        ...

    def live(self) -> Generation | None:
        """Returns the generation that searches read, None before the first `switch`."""
        ...

    def switch(self, generation: Generation) -> None:
        """Moves the alias: from now on searches of every process read this generation."""
        ...

    def drop(self, generation: Generation) -> None:
        """Deletes a generation.

        Raises:
            InvalidInput: it is the live one.
        """
        ...

    def upsert(self, generation: Generation, chunks: Sequence[EmbeddedChunk]) -> None:
        """Writes chunks; one with the same id is replaced."""
        ...

    def delete(self, generation: Generation, chunk_ids: Sequence[UUID]) -> None:
        """Deletes chunks; ids that are not there are passed over."""
        ...

    def commit(self, generation: Generation) -> None:
        """Makes all writes so far durable and visible to every process."""
        ...

    def indexed(self, generation: Generation) -> Mapping[UUID, Sequence[IndexedDocument]]:
        """Returns what is held of every document; more than one entry when a run was cut off."""
        ...

    def scroll(
        self, generation: Generation, filters: SearchFilters = SearchFilters()
    ) -> Iterator[EmbeddedChunk]:
        """Yields the chunks that pass the filters, vectors included, in no stated order."""
        ...

    def count(self, generation: Generation, filters: SearchFilters = SearchFilters()) -> int:
        """Returns how many chunks pass the filters."""
        ...

    def search(self, query: EmbeddedQuery, *, by: Arm, limit: int) -> Sequence[ScoredChunk]:
        """Returns the best chunks of the live generation, best first, under the query's filters.

        Each has one score, named `by`: the cosine (dense), or the sum of the weights' products
        with each term's inverse document frequency (sparse; chunks without a common term are not
        returned). Nothing is live: an empty list.
        """
        ...

    def candidates(
        self, searches: Sequence[tuple[Arm, EmbeddedQuery]], *, limit: int
    ) -> Sequence[Sequence[Candidate]]:
        """Returns for each search what `search` finds, by id alone, which costs a tenth.

        All searches read the same state of the index.
        """
        ...

    def alike(self, to: Sequence[UUID], among: Sequence[UUID]) -> Mapping[Arm, Sequence[Candidate]]:
        """Returns how alike each of `among` is to the chunks `to` together, most alike first.

        `dense` is the cosine to the sum of their vectors; `sparse` is what `search` gives for the
        sum of their term weights. Only the live generation is looked at; what is not there is
        passed over.
        """
        ...

    def chunks(self, chunk_ids: Sequence[UUID]) -> Sequence[Chunk]:
        """Returns those chunks of the live generation that are there, in the order asked for."""
        ...

    def ping(self) -> None:
        """Returns when the index answers."""
        ...

    def close(self) -> None:
        """Gives the index back; it is not used after it."""
        ...
