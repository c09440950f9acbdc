"""Which revisions were current at an earlier moment, read from `documents` and `revisions`."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pymongo.collection import Collection

from llm_engineering.domain.past import RevisionTimes
from llm_engineering.infrastructure.mongo.records import Record


def revisions_at(
    documents: Collection[Record], revisions: Collection[Record], moment: datetime
) -> Mapping[UUID, str]:
    """Returns the revision of each document that was current at a moment; raises pymongo's errors.

    Contents are not read: of each revision its key and its time are.
    """
    fetched: dict[UUID, dict[str, datetime]] = defaultdict(dict)
    for one in revisions.find({}, {"fetched_at": 1}):
        key = one["_id"]
        fetched[key["document"]][key["revision"]] = datetime.fromisoformat(one["fetched_at"])
    found: dict[UUID, str] = {}
    fields = {"current": 1, "revisions": 1, "visited_at": 1, "gone": 1}
    for one in documents.find({}, fields):
        known = fetched[one["_id"]]
        gone = one.get("gone")
        times = RevisionTimes(
            current=one["current"],
            visited_at=one["visited_at"],
            gone_at=datetime.fromisoformat(gone["at"]) if gone else None,
            fetched={each: known[each] for each in one["revisions"] if each in known},
        )
        if revision := times.at(moment):
            found[one["_id"]] = revision
    return found
