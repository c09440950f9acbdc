"""Frontier on MongoDB: one record a target, whose changes are single atomic updates.

`crawls` says which round of a crawl is running; `frontier` holds the targets of unfinished rounds.
The `_id` of a target is made of round, link and URL, so proposing it twice gives one record. Leases
are told by the server's clock; whoever changes a leased target names the token of its lease, which
grows with each of them (a fencing token).
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from pymongo import InsertOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from llm_engineering.application.ports.crawling import Target
from llm_engineering.application.ports.frontier import Advance, Lease, Proposal, Round, VisitState
from llm_engineering.infrastructure.mongo.database import MongoDatabase
from llm_engineering.infrastructure.mongo.records import Record

_FOUND, _READY, _LEASED = "found", "ready", "leased"
_OPEN = {"$in": [_READY, _LEASED]}
_BATCH = 1_000
_DUPLICATE = 11_000


class MongoFrontier:
    """The targets of every crawl in one database."""

    def __init__(self, database: MongoDatabase) -> None:
        self._errors = database.errors
        self._crawls = database.collection("crawls")
        self._items = database.collection("frontier")
        with self._errors():
            self._items.create_index([("round", 1), ("state", 1), ("level", 1), ("rank", 1)])
            self._items.create_index([("round", 1), ("link", 1), ("level", 1), ("position", 1)])

    def begin(self, crawl: str, resume_within: timedelta) -> Round:
        """Returns the unfinished round of a crawl, or a new one."""
        oldest = {"$subtract": ["$$NOW", int(resume_within.total_seconds() * 1000)]}
        goes_on = {"$and": ["$running", {"$gte": ["$touched_at", oldest]}]}
        number = {"$ifNull": ["$number", 0]}
        begun = {
            "number": {"$cond": [goes_on, number, {"$add": [number, 1]}]},
            "resumed": goes_on,
            "running": {"$literal": True},
            "touched_at": "$$NOW",
        }
        with self._errors():
            found = self._begun(crawl, begun)
            round_ = Round(crawl=crawl, number=found["number"], resumed=found["resumed"])
            if not round_.resumed:
                self._items.delete_many({"crawl": crawl, "round": {"$ne": _name(round_)}})
        return round_

    def _begun(self, crawl: str, begun: Record) -> Record:
        update = [{"$set": begun}]
        for _ in range(2):  # two that begin a crawl for the first time may collide
            try:
                found = self._crawls.find_one_and_update(
                    {"_id": crawl}, update, upsert=True, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:
                continue
            return dict(found or {})
        raise AssertionError("unreachable: the record is there after a collision")

    def propose(self, round_: Round, proposals: Sequence[Proposal]) -> None:
        """Adds targets that wait for their level."""
        records = {_key(round_, one.link, one.target.url): one for one in proposals}
        with self._errors():
            present = {
                record["_id"]: record
                for record in self._items.find(
                    {"_id": {"$in": list(records)}}, {"state": 1, "level": 1, "position": 1}
                )
            }
            new = {key: one for key, one in records.items() if key not in present}
            collided = self._insert(round_, new)
            again = {key: one for key, one in records.items() if key in collided} | {
                key: one
                for key, one in records.items()
                if key in present and _comes_earlier(one, present[key])
            }
            moves = [
                UpdateOne(
                    {"_id": key, "state": _FOUND, "level": one.level},
                    {"$min": {"position": one.position}},
                )
                for key, one in again.items()
            ]
            if moves:
                self._items.bulk_write(moves, ordered=False)

    def _insert(self, round_: Round, new: dict[str, Proposal]) -> set[str]:
        """Inserts targets; returns the keys that somebody else inserted in this moment."""
        inserts = [InsertOne(_record(round_, key, one)) for key, one in new.items()]
        try:
            if inserts:
                self._items.bulk_write(inserts, ordered=False)
        except BulkWriteError as error:
            failed = error.details["writeErrors"]
            if any(one["code"] != _DUPLICATE for one in failed):
                raise
            return {one["op"]["_id"] for one in failed}
        return set()

    def advance(self, round_: Round, link: int, max_pages: int) -> Advance:
        """Begins the next level of a link once the present one has ended."""
        mine = {"round": _name(round_), "link": link}
        with self._errors():
            while (step := self._advanced(mine, max_pages)) is None:
                pass  # another process moved the link on in this moment: each time by a level
        return step

    def _advanced(self, mine: Record, max_pages: int) -> Advance | None:
        """Returns where the link stands, None when that changed while it was looked at."""
        if self._is_open(mine):
            return Advance.OPEN
        taken = {**mine, "state": {"$ne": _FOUND}}
        last = self._items.find_one(taken, {"level": 1}, sort=[("level", -1)])
        level = last["level"] + 1 if last else 0
        before = {**taken, "level": {"$lt": level}, "counts": {"$ne": False}}
        room = max_pages - self._items.count_documents(before)
        next_level = {**mine, "level": level}
        if room > 0 and self._promote(next_level, room):
            return Advance.MOVED
        if self._copies_begin(mine):
            return Advance.MOVED
        if self._is_open(mine):
            return Advance.OPEN
        if room > 0 and self._items.find_one(next_level, {"_id": 1}):
            return None
        return Advance.FINISHED

    def _is_open(self, mine: Record) -> bool:
        return self._items.find_one({**mine, "state": _OPEN}, {"_id": 1}) is not None

    def _promote(self, level: Record, room: int) -> bool:
        """Makes the first targets of a level ready. Who does it twice changes nothing."""
        cursor = self._items.find(level, {"_id": 1, "state": 1}).sort("position").limit(room)
        updates: list[UpdateOne] = []
        moved = False
        for rank, item in enumerate(cursor):
            if item["state"] == _FOUND:
                updates.append(
                    UpdateOne(
                        {"_id": item["_id"], "state": _FOUND},
                        {"$set": {"state": _READY, "rank": rank}},
                    )
                )
            if len(updates) == _BATCH:
                moved = self._items.bulk_write(updates, ordered=False).modified_count > 0 or moved
                updates = []
        if updates:
            moved = self._items.bulk_write(updates, ordered=False).modified_count > 0 or moved
        return moved

    def _copies_begin(self, mine: Record) -> bool:
        """Gives copies whose original was not had their turn; returns whether there are any."""
        orphans = []
        for copy in self._items.find({**mine, "state": VisitState.COPY.value}, {"original_key": 1}):
            good = {"_id": copy["original_key"], "state": VisitState.DONE.value}
            if not self._items.find_one(good, {"_id": 1}):
                orphans.append(copy["_id"])
        if not orphans:
            return False
        self._items.update_many(
            {"_id": {"$in": orphans}, "state": VisitState.COPY.value},
            {"$set": {"state": _READY, "original_failed": True}},
        )
        return True

    def lease(
        self, round_: Round, limit: int, for_s: float, but_not: Collection[str] = ()
    ) -> Sequence[Lease]:
        """Leases up to `limit` targets, first levels first."""
        batch = uuid4()
        now_free = {
            "$or": [{"$ne": ["$state", _LEASED]}, {"$lte": ["$until", "$$NOW"]}],
        }
        free: Record = {"round": _name(round_), "state": _OPEN, "$expr": now_free}
        if but_not:
            free["host"] = {"$nin": sorted(but_not)}
        leased = {
            "state": _LEASED,
            "batch": batch,
            "until": _from_now(for_s),
            "token": {"$add": ["$token", 1]},
        }
        with self._errors():
            order = [("level", 1), ("rank", 1), ("link", 1)]
            first = self._items.find(free, {"_id": 1}).sort(order).limit(limit)
            ids = [one["_id"] for one in first]
            if not ids:
                return []
            self._items.update_many({"_id": {"$in": ids}, **free}, [{"$set": leased}])
            mine = {"_id": {"$in": ids}, "batch": batch}
            return [_lease(record) for record in self._items.find(mine).sort(order)]

    def renew(self, round_: Round, leases: Sequence[Lease], for_s: float) -> Sequence[Lease]:
        """Prolongs leases; returns those that are still held."""
        with self._errors():
            self._crawls.update_one({"_id": round_.crawl}, [{"$set": {"touched_at": "$$NOW"}}])
            if not leases:
                return []
            which = {"$or": [_fence(round_, lease) for lease in leases]}
            self._items.update_many(which, [{"$set": {"until": _from_now(for_s)}}])
            held = {(one["_id"], one["token"]) for one in self._items.find(which, {"token": 1})}
        return [
            one for one in leases if (_key(round_, one.link, one.target.url), one.token) in held
        ]

    def release(self, round_: Round, leases: Sequence[Lease]) -> None:
        """Gives leases back."""
        if leases:
            which = {"$or": [_fence(round_, lease) for lease in leases]}
            with self._errors():
                self._items.update_many(which, {"$set": {"state": _READY}})

    def complete(
        self,
        round_: Round,
        lease: Lease,
        state: VisitState,
        *,
        lists: bool = False,
        original: str | None = None,
    ) -> bool:
        """Ends a visit unless the lease was lost."""
        ended: Record = {"state": state.value}
        if lists:
            ended |= {"lists": True, "counts": False}
        if original is not None:
            ended["original_key"] = _key(round_, lease.link, original)
        with self._errors():
            found = self._items.update_one(_fence(round_, lease), {"$set": ended})
        return found.matched_count == 1

    def claim(self, round_: Round, lease: Lease, url: str) -> bool:
        """Returns whether the document at `url` is this target's to bring in."""
        mark = {
            **_place(round_, lease.link, lease.level),
            "state": VisitState.DONE.value,
            "counts": False,
            "claimed_by": lease.target.url,
        }
        key = {"_id": _key(round_, lease.link, url)}
        with self._errors():
            for _ in range(2):  # two that claim in one moment may collide
                try:
                    found = self._items.find_one_and_update(
                        key,
                        {"$setOnInsert": mark},
                        {"claimed_by": 1},
                        upsert=True,
                        return_document=ReturnDocument.AFTER,
                    )
                except DuplicateKeyError:
                    continue
                return (found or {}).get("claimed_by") == lease.target.url
        return False

    def known(self, round_: Round, link: int, urls: Sequence[str]) -> Collection[str]:
        """Returns which of the URLs were proposed for a link."""
        keys = {_key(round_, link, url): url for url in urls}
        with self._errors():
            found = self._items.find({"_id": {"$in": list(keys)}}, {"_id": 1})
            return {keys[one["_id"]] for one in found}

    def open_links(self, round_: Round) -> Collection[int]:
        """Returns the links with targets that wait for a lease or are leased."""
        with self._errors():
            return list(self._items.distinct("link", {"round": _name(round_), "state": _OPEN}))

    def lists_whole(self, round_: Round, link: int) -> bool:
        """Returns whether targets that list others were visited, all with success."""
        lists = {"round": _name(round_), "link": link, "lists": True}
        with self._errors():
            return self._items.distinct("state", lists) == [VisitState.DONE.value]

    def finish(self, round_: Round) -> bool:
        """Ends a round."""
        running = {"_id": round_.crawl, "number": round_.number, "running": True}
        with self._errors():
            ended = self._crawls.update_one(running, {"$set": {"running": False}})
        return ended.modified_count == 1

    def drop(self, round_: Round) -> None:
        """Deletes the targets of a round."""
        with self._errors():
            self._items.delete_many({"round": _name(round_)})


def _name(round_: Round) -> str:
    return f"{round_.crawl}/{round_.number}"


def _key(round_: Round, link: int, url: str) -> str:
    return f"{_name(round_)}/{link} {url}"


def _place(round_: Round, link: int, level: int) -> Record:
    return {"crawl": round_.crawl, "round": _name(round_), "link": link, "level": level}


def _record(round_: Round, key: str, proposal: Proposal) -> Record:
    return {
        "_id": key,
        **_place(round_, proposal.link, proposal.level),
        "position": proposal.position,
        "host": urlsplit(proposal.target.url).netloc,
        "state": _FOUND,
        "token": 0,
        "target": proposal.target.model_dump(mode="json", exclude_defaults=True),
    }


def _lease(record: Record) -> Lease:
    return Lease(
        link=record["link"],
        target=Target.model_validate(record["target"]),
        level=record["level"],
        rank=record["rank"],
        token=record["token"],
        original_failed=record.get("original_failed", False),
    )


def _fence(round_: Round, lease: Lease) -> Record:
    key = _key(round_, lease.link, lease.target.url)
    return {"_id": key, "state": _LEASED, "token": lease.token}


def _from_now(seconds: float) -> Record:
    return {"$add": ["$$NOW", int(seconds * 1000)]}


def _comes_earlier(proposal: Proposal, present: dict[str, Any]) -> bool:
    waits = (present["state"], present["level"]) == (_FOUND, proposal.level)
    return waits and proposal.position < present.get("position", "")
