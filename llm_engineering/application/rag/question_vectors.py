"""Vectors of questions: those that wait are embedded with the one whose turn it is.

A short question costs the reading of all of the model's weights, and four together hardly more than
one: measured with MiniLM, four cost half of what they cost one by one. So nobody waits for others
to come, but who works takes along those who wait for a place anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from weakref import WeakValueDictionary

from llm_engineering.application.ports.models import EmbeddingModel
from llm_engineering.domain.errors import ModelError

_TOGETHER = 4  # texts of one run: more would make the first wait for the last

Vectors = tuple[tuple[float, ...], ...]


@dataclass(eq=False)
class Wanted:
    """Texts, the rephrasings of one question, whose vectors will be asked for."""

    texts: tuple[str, ...]
    vectors: Vectors | None = None


class QuestionVectors:
    """Gives the vectors of questions. Safe to call from several threads.

    Args:
        embedder: is asked for several questions at once where several wait.
    """

    def __init__(self, embedder: EmbeddingModel) -> None:
        self._embedder = embedder
        self._turn = Lock()
        self._lock = Lock()
        # weakly: who gives up waiting needs not say so
        self._waiting: WeakValueDictionary[int, Wanted] = WeakValueDictionary()

    def warm_up(self) -> None:
        """Loads the model, and makes it ready for as many questions as are ever embedded together.

        Raises:
            ModelError: it cannot be loaded.
        """
        for questions in range(1, _TOGETHER + 1):
            self._embedder.embed_queries(["warm up"] * questions)

    def want(self, texts: Sequence[str]) -> Wanted:
        """Says that the vectors of these texts will be asked for, as long as the result is kept."""
        wanted = Wanted(tuple(texts))
        with self._lock:
            self._waiting[id(wanted)] = wanted
        return wanted

    def of(self, wanted: Wanted) -> Vectors:
        """Returns the vectors of the texts, in order.

        Raises:
            ModelError: they cannot be embedded; that others cannot does not matter.
        """
        with self._turn:
            if wanted.vectors is None:
                self._embed_with_others(wanted)
            return wanted.vectors or ()

    def _embed_with_others(self, wanted: Wanted) -> None:
        group = self._taken_along(wanted)
        try:
            self._embed(group)
        except ModelError:
            if len(group) == 1:
                raise
            self._embed([wanted])

    def _taken_along(self, wanted: Wanted) -> list[Wanted]:
        """Returns the texts whose turn it is and those that have waited longest, as far as fit."""
        group, room = [wanted], _TOGETHER - len(wanted.texts)
        with self._lock:
            self._waiting.pop(id(wanted), None)  # gone already after a run that failed
            for other in list(self._waiting.values()):
                if len(other.texts) <= room:
                    group.append(self._waiting.pop(id(other)))
                    room -= len(other.texts)
        return group

    def _embed(self, group: Sequence[Wanted]) -> None:
        found = iter(self._embedder.embed_queries([text for one in group for text in one.texts]))
        for one in group:
            one.vectors = tuple(islice(found, len(one.texts)))
