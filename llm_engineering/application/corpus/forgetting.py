"""Forgetting: everything made from a document goes, and it does not come back.

The tombstones are set up first, so that no crawl brings back what is being deleted. Whatever is
cut off afterwards is found again by the tombstones, and completed by the same call.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import computed_field

from llm_engineering.application.ports.forgetting import Forgetter, Subject
from llm_engineering.application.ports.likeness import LikenessStore
from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.domain.documents import Tombstone, author_mark
from llm_engineering.domain.ids import canonical_url, document_id
from llm_engineering.domain.types import Frozen


class Holding(Frozen):
    """How many records of a kind a store held of what was forgotten, and how many it holds now."""

    store: str
    kind: str
    before: int
    after: int


class ForgetReport(Frozen):
    """The proof. `copies_left` are addresses at which the same text stands: they were not asked."""

    documents: tuple[UUID, ...]
    urls: tuple[str, ...]
    holdings: tuple[Holding, ...]
    copies_left: tuple[str, ...] = ()
    tombstones: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def complete(self) -> bool:
        """Whether nothing is left anywhere."""
        return not any(holding.after for holding in self.holdings)


@dataclass(frozen=True)
class Request:
    """Who or what is to be forgotten: exactly one of the three."""

    url: str | None = None
    document: UUID | None = None
    author: str | None = None


class Forgetting:
    """The use case with its collaborators.

    Args:
        store: finds the documents, and keeps the tombstones.
        likenesses: knows the copies.
        forgetters: every store that may hold something, by name, in the order of deletion. The
            documents come last: as long as they are there, all else can be found.
        clock: tells the present time.
    """

    def __init__(
        self,
        store: DocumentStore,
        likenesses: LikenessStore,
        forgetters: Mapping[str, Forgetter],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._likenesses = likenesses
        self._forgetters = forgetters
        self._clock = clock

    def look(self, request: Request) -> ForgetReport:
        """Returns what would be forgotten; changes nothing."""
        subject = self._subject(request)
        counts = self._holdings(subject)
        return self._report(subject, counts, counts, tombstones=0)

    def forget(self, request: Request) -> ForgetReport:
        """Deletes everything of the request, and keeps it from coming back.

        Raises:
            StoreUnavailable: a store cannot be reached; the same call completes it later.
        """
        subject = self._subject(request)
        tombstones = self._tombstones(request, subject)
        self._store.bury(tombstones)
        subject = self._subject(request)  # once more: a crawl may have saved one in between
        before = self._holdings(subject)
        copies = self._copies(subject)
        for forgetter in self._forgetters.values():
            forgetter.forget(subject)
        after = self._holdings(subject)
        return self._report(subject, before, after, len(tombstones), copies)

    def _subject(self, request: Request) -> Subject:
        documents = frozenset(self._documents(request))
        urls = {url for one in documents if (url := self._store.url(one))}
        if request.url is not None:
            urls.add(canonical_url(request.url))
        users = set(self._store.solely_by(documents))
        if request.author is not None:
            users |= {
                user.id
                for user in self._store.users()
                if author_mark(user.full_name) == author_mark(request.author)
            }
        return Subject(documents, frozenset(urls), frozenset(users))

    def _documents(self, request: Request) -> Collection[UUID]:
        if request.url is not None:
            return {document_id(request.url)}
        if request.document is not None:
            return {request.document}
        author = request.author or ""
        mark = author_mark(author)
        buried = {one.id for one in self._store.tombstones() if mark in one.authors}
        return buried.union(self._store.written_by(author))

    def _tombstones(self, request: Request, subject: Subject) -> list[Tombstone]:
        at = self._clock()
        marks = (author_mark(request.author),) if request.author is not None else ()
        return [
            *(Tombstone(id=one, of="document", at=at, authors=marks) for one in subject.documents),
            *(Tombstone(id=mark, of="author", at=at) for mark in marks),
        ]

    def _holdings(self, subject: Subject) -> dict[tuple[str, str], int]:
        return {
            (store, kind): count
            for store, forgetter in self._forgetters.items()
            for kind, count in forgetter.holdings(subject).items()
        }

    def _copies(self, subject: Subject) -> tuple[str, ...]:
        return tuple(
            url
            for copy, original in self._likenesses.links().items()
            if original in subject.documents and copy not in subject.documents
            if (url := self._store.url(copy))
        )

    def _report(
        self,
        subject: Subject,
        before: Mapping[tuple[str, str], int],
        after: Mapping[tuple[str, str], int],
        tombstones: int,
        copies: tuple[str, ...] | None = None,
    ) -> ForgetReport:
        holdings = [
            Holding(store=store, kind=kind, before=count, after=after.get((store, kind), 0))
            for (store, kind), count in before.items()
        ]
        return ForgetReport(
            documents=tuple(sorted(subject.documents)),
            urls=tuple(sorted(subject.urls)),
            holdings=tuple(holdings),
            copies_left=self._copies(subject) if copies is None else copies,
            tombstones=tombstones,
        )
