"""A LikenessStore in memory: unit tests and dry runs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from llm_engineering.application.ports.likeness import Likeness


class InMemoryLikenessStore:
    """Keeps everything in dictionaries."""

    def __init__(self) -> None:
        self._known: dict[UUID, Likeness] = {}
        self._links: dict[UUID, UUID] = {}

    def compared(self, rules: str) -> Mapping[UUID, str]:
        """Returns the revision of every document that was compared by these rules."""
        return {one.document_id: one.revision for one in self._known.values() if one.rules == rules}

    def sharing(self, keys: Sequence[int], limit: int) -> Sequence[Likeness]:
        """Returns the first documents, in the order of precedence, that share one of the keys."""
        found = [one for one in self._known.values() if not set(keys).isdisjoint(one.keys)]
        return sorted(found, key=lambda one: one.precedence)[:limit]

    def put(self, likeness: Likeness, copies: Collection[UUID]) -> None:
        """Replaces what was known of a document; `copies` may be left out as copies of it."""
        self._drop({likeness.document_id})
        for copy in copies:
            known = self._known[copy]
            self._known[copy] = replace(known, originals=known.originals | {likeness.document_id})
        self._known[likeness.document_id] = likeness

    def remove(self, document_ids: Collection[UUID]) -> None:
        """Forgets documents; what was a copy of them alone is none any more."""
        gone = set(document_ids)
        self._drop(gone)
        self._links = {
            copy: original
            for copy, original in self._links.items()
            if gone.isdisjoint((copy, original))
        }

    def count(self, document_ids: Collection[UUID]) -> int:
        """Returns how many of the documents are known here."""
        return len(self._known.keys() & set(document_ids))

    def candidates(self) -> Sequence[Likeness]:
        """Returns the documents that may be a copy, or the original of one, keys left out."""
        copies = [one for one in self._known.values() if one.originals]
        wanted = {one.document_id for one in copies}.union(*(one.originals for one in copies))
        return [replace(one, keys=()) for one in self._known.values() if one.document_id in wanted]

    def link(self, originals: Mapping[UUID, UUID]) -> None:
        """Notes the original of every copy; other documents have none from now on."""
        self._links = dict(originals)

    def links(self) -> Mapping[UUID, UUID]:
        """Returns the original of every copy."""
        return dict(self._links)

    def _drop(self, gone: set[UUID]) -> None:
        self._known = {
            one.document_id: replace(one, originals=one.originals - gone)
            for one in self._known.values()
            if one.document_id not in gone
        }
