"""What crawls remember of forgotten documents, in `pages`, `frontier` and `dead_letters`.

A feed or sitemap that names such a page is forgotten as well, because it may tell its title and
author; the next crawl reads it anew.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from llm_engineering.application.ports.forgetting import Subject
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.ids import canonical_url
from llm_engineering.infrastructure.mongo.database import MongoDatabase
from llm_engineering.infrastructure.mongo.records import Record

_BATCH = 1000


class MongoCrawlForgetter:
    """Finds and deletes the records of crawls that name certain documents."""

    def __init__(self, database: MongoDatabase) -> None:
        self._errors = database.errors
        self._collections = {
            name: database.collection(name) for name in ("pages", "frontier", "dead_letters")
        }

    def holdings(self, subject: Subject) -> Mapping[str, int]:
        """Returns how many records of each collection name the subject."""
        with self._errors():
            return {
                name.replace("_", " "): sum(1 for _ in self._naming(name, subject))
                for name in self._collections
            }

    def forget(self, subject: Subject) -> None:
        """Deletes them."""
        with self._errors():
            for name, collection in self._collections.items():
                keys = list(self._naming(name, subject))
                for start in range(0, len(keys), _BATCH):
                    collection.delete_many({"_id": {"$in": keys[start : start + _BATCH]}})

    def _naming(self, name: str, subject: Subject) -> Iterator[Any]:
        """Yields the keys of the records that name the subject; addresses may be spelled freely."""
        if not subject.urls and not subject.documents:
            return
        for record in self._collections[name].find():
            documents = subject.documents.intersection(record.get("documents", ()))
            if documents or any(_canonical(url) in subject.urls for url in _urls(record)):
                yield record["_id"]


def _urls(record: Record) -> Iterator[str]:
    """Yields the addresses in a record: its own, its target's, and those that a page listed."""
    targets = record.get("targets")
    named = json.loads(zlib.decompress(targets)) if targets else []
    link = record.get("link")
    for one in (record, record.get("target"), link if isinstance(link, dict) else None, *named):
        if one:
            yield from (one[field] for field in ("url", "claimed_by") if field in one)


def _canonical(url: str) -> str:
    try:
        return canonical_url(url)
    except InvalidInput:  # a page may list what is no address
        return url
