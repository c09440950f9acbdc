"""Linking: every copy to its original, comparing only what is new or has changed."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import UUID

from llm_engineering.application.ports.likeness import Likeness, LikenessStore
from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.application.preprocessing.cleaning import CLEANER
from llm_engineering.application.preprocessing.config import DuplicatesConfig
from llm_engineering.application.preprocessing.duplicates import Text, is_copy, keys_of
from llm_engineering.domain.cleaned_documents import CleanedDocument
from llm_engineering.domain.ids import fingerprint

_COMPARED = 50  # a document is compared with at most so many, the likeliest originals first
_UNDATED = "9999"


class DuplicateLinker:
    """Finds the copies among the current documents of the store.

    Args:
        store: has their cleaned texts.
        likenesses: remembers what was compared, and keeps the links.
        config: when a document is a copy.
    """

    def __init__(
        self, store: DocumentStore, likenesses: LikenessStore, config: DuplicatesConfig
    ) -> None:
        self._store = store
        self._likenesses = likenesses
        self._config = config
        self._rules = fingerprint("duplicates-1", CLEANER, config.resemblance, config.min_words)

    def pending(self, current: Mapping[UUID, str]) -> Mapping[UUID, str]:
        """Returns the current revisions that were not compared yet; drops what is not current."""
        if not self._config.enabled:
            return {}
        compared = self._likenesses.compared(self._rules)
        vanished = compared.keys() - current.keys()
        if vanished:
            self._likenesses.remove(vanished)
        return {one: now for one, now in current.items() if compared.get(one) != now}

    def compare(self, document_id: UUID, revision: str) -> None:
        """Notes which documents this one is a copy of, and which are copies of it."""
        cleaned = self._store.cleaned(document_id, revision)
        if cleaned is None:
            return
        text = Text(cleaned)
        keys = keys_of(text, self._config)
        originals: set[UUID] = set()
        copies: set[UUID] = set()
        for known in self._likenesses.sharing(keys, _COMPARED):
            other = self._store.cleaned(known.document_id, known.revision)
            if other is None or known.document_id == document_id:
                continue
            if is_copy(text, Text(other), self._config):
                originals.add(known.document_id)
            if is_copy(Text(other), text, self._config):
                copies.add(known.document_id)
        likeness = Likeness(
            document_id,
            revision,
            self._rules,
            keys,
            self._precedence(cleaned),
            frozenset(originals),
        )
        self._likenesses.put(likeness, copies)

    def link(self, current: Collection[UUID]) -> Mapping[UUID, UUID]:
        """Stores and returns the original of every copy among the current documents."""
        known = self._likenesses.candidates() if self._config.enabled else ()
        links = choose_originals(one for one in known if one.document_id in current)
        self._likenesses.link(links)
        return links

    def _precedence(self, cleaned: CleanedDocument) -> str:
        first = self._store.revisions(cleaned.document_id)[0]
        seen = self._store.revision(cleaned.document_id, first)
        return precedence(cleaned.published, seen.fetched_at if seen else None, cleaned.url)


def choose_originals(likenesses: Iterable[Likeness]) -> Mapping[UUID, UUID]:
    """Returns the original of every copy; an original is a copy of nothing itself.

    The documents are taken in the order of precedence, and each is linked to the first of those
    it may be left out for, so the outcome depends on the documents alone. One that may be left out
    for another, but not the other way round (it lacks the author), comes after all that are equal.
    """
    known = {one.document_id: one for one in likenesses}

    def order(one: Likeness) -> tuple[bool, str]:
        others = one.originals & known.keys()
        less = any(one.document_id not in known[other].originals for other in others)
        return less, one.precedence

    chosen: set[UUID] = set()
    links: dict[UUID, UUID] = {}
    for one in sorted(known.values(), key=order):
        originals = one.originals & chosen
        if originals:
            links[one.document_id] = min(originals, key=lambda other: order(known[other]))
        else:
            chosen.add(one.document_id)
    return links


def precedence(published: datetime | None, first_seen: datetime | None, url: str) -> str:
    """Returns what the original sorts first by: published, first seen, then the plainest URL.

    Plainest is https before others, no query before one, the shorter and then the first in order.
    """
    parts = urlsplit(url)
    plain = f"{int(parts.scheme != 'https')}{int(bool(parts.query))}{len(url):05}"
    return " ".join((_stamp(published), _stamp(first_seen), plain, url))


def _stamp(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else _UNDATED
