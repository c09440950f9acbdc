"""What is known of documents that say the same: kept, so that only what changed is compared."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Likeness:
    """What a compared document is found by.

    Documents that share one of the `keys` may say the same. Of a document and its copy the one
    whose `precedence` sorts first is the original. `originals` are those documents of which this
    one may be left out as a copy.
    """

    document_id: UUID
    revision: str
    rules: str
    keys: tuple[int, ...]
    precedence: str
    originals: frozenset[UUID] = frozenset()


class LikenessStore(Protocol):
    """The likenesses of all compared documents, and which are copies of which.

    Every write that returned is on disk. Every method raises StoreUnavailable when the store
    cannot be reached.
    """

    def compared(self, rules: str) -> Mapping[UUID, str]:
        """Returns the revision of every document that was compared by these rules."""
        ...

    def sharing(self, keys: Sequence[int], limit: int) -> Sequence[Likeness]:
        """Returns the first documents, in the order of precedence, that share one of the keys."""
        ...

    def put(self, likeness: Likeness, copies: Collection[UUID]) -> None:
        """Replaces what was known of a document; `copies` may be left out as copies of it."""
        ...

    def remove(self, document_ids: Collection[UUID]) -> None:
        """Forgets documents; what was a copy of them alone is none any more."""
        ...

    def count(self, document_ids: Collection[UUID]) -> int:
        """Returns how many of the documents are known here."""
        ...

    def candidates(self) -> Sequence[Likeness]:
        """Returns the documents that may be a copy, or the original of one, keys left out."""
        ...

    def link(self, originals: Mapping[UUID, UUID]) -> None:
        """Notes the original of every copy (`same_as`); other documents have none from now on."""
        ...

    def links(self) -> Mapping[UUID, UUID]:
        """Returns the original of every copy."""
        ...
