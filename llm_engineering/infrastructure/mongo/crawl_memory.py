"""What crawls know of pages, and what they could not have, on MongoDB."""

import hashlib
import json
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from llm_engineering.application.ports.crawling import Target
from llm_engineering.application.ports.frontier import DeadLetter, PageMemory
from llm_engineering.domain.errors import IntegrityError
from llm_engineering.infrastructure.mongo.database import MongoDatabase
from llm_engineering.infrastructure.mongo.records import Record, read

_PAGE = 500


class MongoCrawlMemory:
    """Pages in the collection `pages`, by URL; what they named is kept compressed."""

    def __init__(self, database: MongoDatabase) -> None:
        self._errors = database.errors
        self._pages = database.collection("pages")
        with self._errors():
            self._pages.create_index([("listed_by", 1), ("_id", 1)], sparse=True)
            self._pages.create_index("documents")

    def recall(self, urls: Sequence[str]) -> Mapping[str, PageMemory]:
        """Returns what is known of those pages."""
        if not urls:
            return {}
        keys = {_key(url) for url in urls}
        with self._errors():
            pages = map(_page_of, self._pages.find({"_id": {"$in": list(keys)}}))
            return {page.url: page for page in pages}

    def remember(self, page: PageMemory) -> None:
        """Replaces what is known of a page."""
        record = _page_record(page)
        with self._errors(page.url):
            for _ in range(2):  # two that write a new page in one moment may collide
                try:
                    self._pages.replace_one({"_id": record["_id"]}, record, upsert=True)
                except DuplicateKeyError:
                    continue
                return

    def drop(self, url: str) -> None:
        """Forgets a page."""
        with self._errors():
            self._pages.delete_one({"_id": _key(url)})

    def listed_by(self, link: str) -> Iterator[PageMemory]:
        """Yields the pages that the sitemap of a link named, by queries of their own."""
        last: str = ""
        while True:
            where = {"listed_by": link, "_id": {"$gt": last}}
            with self._errors():
                records = list(self._pages.find(where).sort("_id").limit(_PAGE))
            if not records:
                return
            yield from map(_page_of, records)
            last = records[-1]["_id"]

    def note_missing(self, counts: Mapping[str, int]) -> None:
        """Sets in how many runs pages have been missing."""
        updates = [
            UpdateOne({"_id": _key(url)}, {"$set": {"missing": runs}})
            for url, runs in counts.items()
        ]
        if updates:
            with self._errors():
                self._pages.bulk_write(updates, ordered=False)

    def held_elsewhere(self, documents: Sequence[UUID], url: str) -> Collection[UUID]:
        """Returns which of the documents other pages gave, too."""
        others = {"documents": {"$in": list(documents)}, "_id": {"$ne": _key(url)}}
        with self._errors():
            pages = list(self._pages.find(others, {"documents": 1}))
        return {one for page in pages for one in page["documents"]}.intersection(documents)


class MongoDeadLetters:
    """Dead letters in the collection `dead_letters`, by what failed."""

    def __init__(self, database: MongoDatabase) -> None:
        self._errors = database.errors
        self._letters = database.collection("dead_letters")
        with self._errors():
            self._letters.create_index("target_key")

    def replace(self, target: Target, letters: Sequence[DeadLetter]) -> None:
        """Sets all that failed at a target."""
        keys = [_key(letter.url) for letter in letters]
        healed = {"target_key": _key(target.url), "_id": {"$nin": keys}}
        updates = [
            UpdateOne(
                {"_id": _key(letter.url)},
                {"$set": _letter_record(letter), "$inc": {"attempts": 1}},
                upsert=True,
            )
            for letter in letters
        ]
        with self._errors(target.url):
            self._letters.delete_many(healed)
            if updates:
                self._letters.bulk_write(updates, ordered=False)

    def all(self) -> Sequence[DeadLetter]:
        """Returns all of them, newest first."""
        with self._errors():
            letters = [_letter_of(record) for record in self._letters.find()]
        return sorted(letters, key=lambda one: (-one.failed_at.timestamp(), one.url))


def _key(url: str) -> str:
    """URLs may be longer than what an index takes well."""
    return hashlib.sha256(url.encode()).hexdigest()


def _page_record(page: PageMemory) -> Record:
    fields = page.model_dump(mode="json", exclude={"targets", "documents"}, exclude_none=True)
    record: Record = {"_id": _key(page.url), **fields, "documents": list(page.documents)}
    if page.targets is not None:
        named = [one.model_dump(mode="json", exclude_defaults=True) for one in page.targets]
        record["targets"] = zlib.compress(json.dumps(named).encode()) if named else b""
    return record


def _page_of(record: Record) -> PageMemory:
    fields = {name: value for name, value in record.items() if name not in ("_id", "targets")}
    what = f"what is known of the page {fields.get('url', record['_id'])}"
    targets = record.get("targets")
    if targets is not None:
        try:
            targets = json.loads(zlib.decompress(targets)) if targets else ()
        except (TypeError, ValueError, zlib.error) as error:
            raise IntegrityError(f"{what}: targets: {error}") from error
    return read(PageMemory, {**fields, "targets": targets}, what)


def _letter_record(letter: DeadLetter) -> Record:
    fields = letter.model_dump(mode="json", exclude={"attempts"})
    return {**fields, "target_key": _key(letter.target.url)}


def _letter_of(record: Record) -> DeadLetter:
    left_out = ("_id", "target_key")
    fields = {name: value for name, value in record.items() if name not in left_out}
    return read(DeadLetter, fields, f"the dead letter {fields.get('url', record['_id'])}")
