"""Which revision of a document was current at an earlier moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class RevisionTimes:
    """What is known of a document's revisions.

    `fetched` has when each revision came first, oldest first; `visited_at` when the `current` one
    was seen last, `gone_at` when the page was no more.
    """

    current: str
    visited_at: datetime
    gone_at: datetime | None
    fetched: Mapping[str, datetime]

    def at(self, moment: datetime) -> str | None:
        """Returns the revision that was current at a moment, None when there was none."""
        if self.gone_at is not None and self.gone_at <= moment:
            return None
        come = [(at, n, one) for n, (one, at) in enumerate(self.fetched.items()) if at <= moment]
        if not come:
            return None
        if self.visited_at <= moment:
            return self.current
        return max(come)[-1]
