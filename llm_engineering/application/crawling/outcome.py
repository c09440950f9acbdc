"""What came of a crawl, site by site."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import Field, computed_field

from llm_engineering.domain.types import Frozen, SaveOutcome

_WHERE = re.compile(r" \((?:linked from|listed in) ")


class Failure(Frozen):
    """A page or file that could not be had, and why; `transient` says a later run may get it."""

    url: str
    reason: str
    transient: bool = False


class SiteOutcome(Frozen):
    """The counts of one link, and its failures.

    `gone` documents are no longer at their source. `skipped` were forgotten on purpose, or
    robots.txt keeps us from them.
    """

    link: str
    new: int = Field(default=0, ge=0)
    changed: int = Field(default=0, ge=0)
    unchanged: int = Field(default=0, ge=0)
    gone: int = Field(default=0, ge=0)
    skipped: int = Field(default=0, ge=0)
    failures: tuple[Failure, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def fetched(self) -> int:
        """Documents that came, whatever the store had before."""
        return self.new + self.changed + self.unchanged

    @computed_field  # type: ignore[prop-decorator]
    @property
    def failed(self) -> int:
        """Pages and files that did not."""
        return len(self.failures)

    @property
    def reasons(self) -> Mapping[str, int]:
        """How often each reason occurred, most frequent first; where a link stands is left out."""
        counts = Counter(_WHERE.split(failure.reason)[0] for failure in self.failures)
        return dict(counts.most_common())


class OutcomeTally:
    """Counts while a crawl runs. Belongs to one thread."""

    def __init__(self, link: str) -> None:
        self._link = link
        self._counts: Counter[str] = Counter()
        self._failures: list[Failure] = []

    def saved(self, outcome: SaveOutcome, times: int = 1) -> None:
        """Counts documents that the store took; what a tombstone keeps out is skipped."""
        self._counts["skipped" if outcome is SaveOutcome.FORGOTTEN else outcome.value] += times

    def gone(self, times: int = 1) -> None:
        """Counts documents that their source has no longer."""
        self._counts["gone"] += times

    def skipped(self) -> None:
        """Counts a page that is left out on purpose."""
        self._counts["skipped"] += 1

    def failed(self, failure: Failure) -> None:
        """Counts a page or file that could not be had."""
        self._failures.append(failure)

    def plus(self, other: "OutcomeTally") -> None:
        """Adds the counts of another tally to these."""
        self._counts.update(other._counts)
        self._failures += other._failures

    @property
    def total(self) -> int:
        """How much was counted."""
        return self._counts.total() + len(self._failures)

    def outcome(self) -> SiteOutcome:
        """Returns the counts so far."""
        return SiteOutcome(link=self._link, **self._counts, failures=tuple(self._failures))


class EtlReport(Frozen):
    """What an ETL run brought in: a row for each link."""

    rows: tuple[SiteOutcome, ...] = ()

    @property
    def failures(self) -> Sequence[Failure]:
        """All that failed, in the order of the rows."""
        return [failure for row in self.rows for failure in row.failures]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    def plus(self, row: SiteOutcome) -> Self:
        """Returns the report with one more row."""
        return self.model_copy(update={"rows": (*self.rows, row)})

    def to_json(self) -> str:
        """Returns the report as one JSON object, counts included."""
        return self.model_dump_json(indent=2)
