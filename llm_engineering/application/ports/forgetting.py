"""What is to be forgotten, and everything that has to forget it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Subject:
    """Documents that are to be forgotten.

    `urls` are theirs, canonical; `users` the authors in the catalogue of whom nothing is left
    then. An empty subject is nothing, never everything.
    """

    documents: frozenset[UUID] = frozenset()
    urls: frozenset[str] = frozenset()
    users: frozenset[UUID] = frozenset()


class Forgetter(Protocol):
    """A store that may hold something made from documents. Who keeps such things has one."""

    def holdings(self, subject: Subject) -> Mapping[str, int]:
        """Returns how many records of each kind are held of the subject; all 0 when it is gone."""
        ...

    def forget(self, subject: Subject) -> None:
        """Deletes them for good; doing it twice, or after a crash in the middle, is as good.

        Raises:
            StoreUnavailable: the store cannot be reached; some of it may be deleted.
        """
        ...
