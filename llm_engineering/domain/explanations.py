"""Why a document is, or is not, among the passages that a question found."""

from enum import StrEnum

from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.types import Frozen


class Fate(StrEnum):
    """What became of a document."""

    FOUND = "found"
    UNKNOWN = "unknown"  # never stored
    TOMBSTONED = "tombstoned"  # forgotten, and kept out
    GONE = "gone"  # its page is no more
    DUPLICATE = "duplicate"  # another document says the same, and is indexed in its place
    NOT_INDEXED = "not indexed"
    FILTERED = "filtered"
    OUTSIDE_CANDIDATES = "outside candidates"
    REPEATED = "repeated"  # a better passage has the same text
    RERANKED_BELOW = "reranked below k"
    BELOW_K = "below k"


class StageReport(Frozen):
    """A stage's view of the document's best passage there.

    `rank` counts passages from 1, None when it is not among the `of` passages of the stage;
    `score` is the stage's. `note` says why it is not there, or fell back.
    """

    stage: str
    rank: int | None = None
    of: int = 0
    score: float | None = None
    note: str | None = None


class Explanation(Frozen):
    """The way of one document through the retrieval of one question.

    `reason` says in one sentence what `fate` means here. `filters` were in force; those that the
    question names and that left nothing are `relaxed`. `degraded` names stages that were left out.
    """

    url: str
    fate: Fate
    reason: str
    stages: tuple[StageReport, ...] = ()
    filters: SearchFilters = SearchFilters()
    relaxed: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
