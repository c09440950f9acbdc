"""The stores of the data path as participants in forgetting."""

from collections.abc import Iterator, Mapping
from itertools import islice
from uuid import UUID

from llm_engineering.application.ports.answer_cache import AnswerCache
from llm_engineering.application.ports.feedback import FeedbackStore
from llm_engineering.application.ports.forgetting import Subject
from llm_engineering.application.ports.likeness import LikenessStore
from llm_engineering.application.ports.storage import ChunkIndex, DocumentStore
from llm_engineering.domain.queries import SearchFilters

_BATCH = 200  # documents in one filter


class DocumentForgetter:
    """Documents with all revisions, raw bytes and cleaned texts, and authors without any."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def holdings(self, subject: Subject) -> Mapping[str, int]:
        """Returns how many records of each kind are held."""
        return self._store.held(subject.documents, subject.users)

    def forget(self, subject: Subject) -> None:
        """Deletes them."""
        self._store.delete(subject.documents, subject.users)


class LikenessForgetter:
    """What documents were compared by, and the links between copies."""

    def __init__(self, store: LikenessStore) -> None:
        self._store = store

    def holdings(self, subject: Subject) -> Mapping[str, int]:
        """Returns how many documents can be compared still."""
        return {"likenesses": self._store.count(subject.documents)}

    def forget(self, subject: Subject) -> None:
        """Deletes them."""
        self._store.remove(subject.documents)


class FeedbackForgetter:
    """Answers that were made from documents, with the feedback to them."""

    def __init__(self, store: FeedbackStore) -> None:
        self._store = store

    def holdings(self, subject: Subject) -> Mapping[str, int]:
        """Returns how many answers are held."""
        return {"served answers": self._store.count(subject.documents)}

    def forget(self, subject: Subject) -> None:
        """Deletes them."""
        self._store.remove(subject.documents)


class AnswerCacheForgetter:
    """Answers that were made from documents, kept to be given again."""

    def __init__(self, cache: AnswerCache) -> None:
        self._cache = cache

    def holdings(self, subject: Subject) -> Mapping[str, int]:
        """Returns how many answers are held."""
        return {"cached answers": self._cache.count(subject.documents)}

    def forget(self, subject: Subject) -> None:
        """Deletes them."""
        self._cache.remove(subject.documents)


class IndexForgetter:
    """Chunks and vectors, in every generation of the index."""

    def __init__(self, index: ChunkIndex) -> None:
        self._index = index

    def holdings(self, subject: Subject) -> Mapping[str, int]:
        """Returns how many chunks each generation holds."""
        return {
            f"chunks of {status.generation.name}": sum(
                self._index.count(status.generation, filters) for filters in _filters(subject)
            )
            for status in self._index.generations()
        }

    def forget(self, subject: Subject) -> None:
        """Deletes them."""
        for status in self._index.generations():
            for filters in _filters(subject):
                held = self._index.scroll(status.generation, filters)
                ids = [chunk.id for chunk in held]
                if ids:
                    self._index.delete(status.generation, ids)
                    self._index.commit(status.generation)


def _filters(subject: Subject) -> Iterator[SearchFilters]:
    """Yields filters for some documents each; none for no documents: that would be all of them."""
    documents: Iterator[UUID] = iter(sorted(subject.documents))
    while batch := tuple(islice(documents, _BATCH)):
        yield SearchFilters(document_ids=batch)
