"""Export of the corpus to a data warehouse, and import from one."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from uuid import UUID

from pydantic import computed_field

from llm_engineering.application.corpus.warehouse_records import (
    CLASSES,
    USERS,
    documents_of,
    record_of,
    user_of,
    user_record_of,
)
from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.application.ports.warehouse import Warehouse
from llm_engineering.domain.documents import Document, UserDocument, author_mark, author_marks
from llm_engineering.domain.errors import DocumentError, InvalidInput
from llm_engineering.domain.types import DataCategory, Frozen, SaveOutcome

_EXAMPLES = 20
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


class ExportReport(Frozen):
    """How many records each class has now."""

    place: str
    records: dict[str, int]


class ImportReport(Frozen):
    """What came of an import: documents by outcome, and the records that could not be read.

    `older` documents were left alone, because a later revision of them is stored. `examples` has
    the first of the records that were refused, with the reason.
    """

    place: str
    users: int
    new: int
    changed: int
    unchanged: int
    older: int
    forgotten: int
    restored: int
    refused: dict[str, int]
    examples: tuple[str, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ok(self) -> bool:
        """Whether every record could be read."""
        return not self.refused


def export_documents(
    store: DocumentStore, copies: Mapping[UUID, UUID], warehouse: Warehouse, progress: Progress
) -> ExportReport:
    """Writes the current revision of every document, and all authors.

    Args:
        store: the documents; they are read one by one.
        copies: the original of every document that is a copy.
        warehouse: where to.
        progress: hears of each document.

    Raises:
        InvalidInput: a file cannot be written; the one that was there stays.
    """
    records = {USERS: warehouse.write(USERS, map(user_record_of, store.users()))}
    with progress.stage("export documents") as advance:

        def of_category(category: DataCategory) -> Iterator[dict[str, object]]:
            for document in store.documents(category):
                yield record_of(document, copies.get(document.id))
                advance(1)

        for name, kind in CLASSES.items():
            category = kind.model_fields["category"].default
            records[name] = warehouse.write(name, of_category(category))
    return ExportReport(place=warehouse.place, records=records)


def import_documents(
    store: DocumentStore, warehouse: Warehouse, progress: Progress, *, restore_forgotten: bool
) -> ImportReport:
    """Stores what a warehouse holds. A record that cannot be read is counted; the rest goes on.

    Raises:
        InvalidInput: there is no file of a known class.
        StoreUnavailable: the run stops; the same call completes it.
    """
    if not {USERS, *CLASSES}.intersection(warehouse.classes()):
        known = ", ".join(f"{name}.json" for name in (*CLASSES, USERS))
        raise InvalidInput(f"{warehouse.place}: nothing to import (known: {known})")
    with progress.stage("import documents") as advance:
        importing = _Import(store, warehouse, restore_forgotten)
        importing.users()
        for name in CLASSES:
            for _ in importing.documents(name):
                advance(1)
    return importing.report()


class _Import:
    def __init__(self, store: DocumentStore, warehouse: Warehouse, restore: bool) -> None:
        self._store = store
        self._warehouse = warehouse
        self._restore = restore
        self._authors: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._examples: list[str] = []

    def users(self) -> None:
        """Adds the authors, and remembers the ids that the warehouse gives them."""
        for number, record in self._records(USERS):
            try:
                key, user = user_of(record)
            except InvalidInput as error:
                self._refuse(USERS, number, str(error))
                continue
            self._authors[key] = user.full_name
            self._counts["users"] += self._add(user)

    def documents(self, name: str) -> Iterator[int]:
        """Stores the documents of a class; yields the number of each record when it is done."""
        for number, record in self._records(name):
            try:
                found = documents_of(
                    record, CLASSES[name], self._authors, self._warehouse.written_at(name)
                )
                for document in found:
                    self._counts[self._save(document)] += 1
            except (InvalidInput, DocumentError) as error:
                self._refuse(name, number, str(error))
            yield number

    def report(self) -> ImportReport:
        """Returns the counts."""
        names = ("users", "new", "changed", "unchanged", "older", "forgotten", "restored")
        return ImportReport(
            place=self._warehouse.place,
            refused=dict(self._refused.most_common()),
            examples=tuple(self._examples),
            **{name: self._counts[name] for name in names},
        )

    def _records(self, name: str) -> Iterator[tuple[int, object]]:
        if name not in self._warehouse.classes():
            return
        number = 0
        try:
            for number, record in enumerate(self._warehouse.read(name), start=1):
                yield number, record
        except InvalidInput as error:
            self._refuse(name, number + 1, str(error))

    def _add(self, user: UserDocument) -> bool:
        added = self._store.add_user(user)
        if added or not self._restore:
            return added
        self._store.unbury([author_mark(user.full_name)])
        return self._store.add_user(user)

    def _save(self, document: Document) -> str:
        stored = self._store.current(document.id)
        differs = stored is not None and stored.revision != document.revision
        if stored and differs and stored.fetched_at > document.fetched_at:
            return "older"
        outcome = self._store.save(document)
        if outcome is SaveOutcome.FORGOTTEN and self._restore:
            self._store.unbury({document.id, *author_marks(document.author_full_name)})
            self._store.save(document)
            return "restored"
        return outcome.value

    def _refuse(self, name: str, number: int, reason: str) -> None:
        kind = _QUOTED.sub("…", reason)  # the values that differ would make a kind of each record
        self._refused[f"{name}: {kind}"] += 1
        if len(self._examples) < _EXAMPLES:
            self._examples.append(f"{name}.json, record {number:,}: {reason}")
