"""The data warehouse: documents as files that other programs read and write."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol


class Warehouse(Protocol):
    """A folder of arrays of JSON objects, one for each class of documents.

    Nothing is held in memory but one record. Every method raises InvalidInput when a file cannot
    be read or written, or is no JSON array; records before the fault were yielded.
    """

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        ...

    def classes(self) -> Sequence[str]:
        """Returns the classes that are there, by name."""
        ...

    def read(self, name: str) -> Iterator[object]:
        """Yields the records of a class."""
        ...

    def written_at(self, name: str) -> datetime:
        """Returns when the records of a class were last changed."""
        ...

    def write(self, name: str, records: Iterable[Mapping[str, object]]) -> int:
        """Replaces the records of a class by these, all at once; returns how many there are."""
        ...
