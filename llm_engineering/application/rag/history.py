"""Answers as of a day: from the revisions that were current then, if the index still has them.

An index holds the current revision of every document. So a question as of a day may read the
documents whose revision of that day is current still; what was changed, or is gone, since then is
missing, and is said to be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.domain.documents import Document
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import Query, ScoredChunk
from llm_engineering.domain.types import Frozen

_NAMED = 10  # addresses of missing documents


class PastReport(Frozen):
    """What can be answered from as of a day.

    `documents` are readable in the revision of that day; of `missing` ones the index has no longer
    that revision: `missing_urls` names the first of them.
    """

    day: date
    documents: int
    missing: int
    missing_urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Past:
    """A day: which revisions of then are current still."""

    report: PastReport
    revisions: Mapping[UUID, str]
    whole: bool

    def narrowed(self, query: Query) -> Query:
        """Returns the query restricted to documents that are as they were on the day.

        Raises:
            InvalidInput: there is none.
        """
        asked = query.filters.document_ids
        if self.whole and not asked:
            return query
        readable = tuple(one for one in asked or self.revisions if one in self.revisions)
        if not readable:
            raise InvalidInput(
                f"as_of {self.report.day}: the index has nothing that was current then"
                f" ({self.report.missing} documents have changed or gone since)"
            )
        filters = query.filters.model_copy(update={"document_ids": readable})
        return query.model_copy(update={"filters": filters})

    def check(self, found: Sequence[ScoredChunk]) -> None:
        """Returns if every passage is of the revision of the day.

        Raises:
            InvalidInput: the index lags behind the stored documents.
        """
        for one in found:
            if self.revisions.get(one.chunk.document_id) != one.chunk.revision:
                raise InvalidInput(
                    f"as_of {self.report.day}: the index has another revision of {one.chunk.url}"
                    " than was current then; it has yet to be brought up to date"
                )


class History:
    """Knows which revision of a document was current when."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def at(self, day: date, may_know: Callable[[Document], bool] | None = None) -> Past:
        """Returns the state at the end of a day (UTC).

        Args:
            day: any day; after today is as today.
            may_know: which documents may be named and counted; None: all.

        Raises:
            StoreUnavailable: the store cannot be reached.
        """
        then = self._store.current_at(datetime.combine(day, time.max, UTC))
        now = self._store.current_revisions()
        same = {one: revision for one, revision in then.items() if now.get(one) == revision}
        missing = [one for one in sorted(then) if one not in same]
        if may_know:
            missing = [one for one in missing if self._known(one, then[one], may_know)]
        named = (self._store.url(one) for one in missing[:_NAMED])
        report = PastReport(
            day=day,
            documents=len(same),
            missing=len(missing),
            missing_urls=tuple(url for url in named if url),
        )
        return Past(report, same, whole=same.keys() == now.keys())

    def _known(self, one: UUID, revision: str, may_know: Callable[[Document], bool]) -> bool:
        document = self._store.revision(one, revision)
        return document is not None and may_know(document)
