"""Keeps served answers for feedback, off the request's path."""

import logging
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from llm_engineering.application.ports.feedback import FeedbackStore
from llm_engineering.application.rag.gathering import Gathering
from llm_engineering.domain.errors import PipelineError, StoreUnavailable
from llm_engineering.domain.feedback import Feedback, ServedAnswer

_log = logging.getLogger(__name__)
_FLUSH_S = 10.0


class AnswerRecorder:
    """Stores answers a little later, several at once.

    `record` never waits and never raises: when `capacity` answers are waiting already, or the store
    cannot be reached, the answer is dropped and counted in `dropped`; feedback to it then finds
    nothing. What was made from a document that is forgotten meanwhile goes, too.

    Args:
        store: keeps the answers.
        forgotten: returns those of some documents that are forgotten; by default none.
        capacity: so many answers may wait.
    """

    def __init__(
        self,
        store: FeedbackStore,
        forgotten: Callable[[Collection[UUID]], Collection[UUID]] = lambda _: (),
        capacity: int = 1000,
    ) -> None:
        self.dropped = 0
        self._store = store
        self._forgotten = forgotten
        self._gathering = Gathering(self._record, capacity)

    def record(self, served: ServedAnswer) -> None:
        """Has an answer stored soon."""
        if not self._gathering.add(served):
            self.dropped += 1

    def rate(self, request_id: str, key_id: str | None, feedback: Feedback) -> bool:
        """Adds feedback to an answer of that key; returns whether there is one.

        Raises:
            StoreUnavailable: the store cannot be reached, or what waits for it takes too long.
        """
        try:
            self._gathering.flush(_FLUSH_S)  # the answer may be waiting still
        except TimeoutError as error:
            raise StoreUnavailable("answers wait too long to be stored") from error
        return self._store.rate(request_id, key_id, feedback)

    def close(self) -> None:
        """Returns when everything that waited is stored."""
        self._gathering.close()

    def _record(self, some: Sequence[ServedAnswer]) -> None:
        try:
            self._store.record(some)
            # afterwards: who forgets sets up the tombstones first, and deletes then
            forgotten = self._forgotten({one for answer in some for one in answer.documents})
            if forgotten:
                self._store.remove(forgotten)
        except PipelineError as error:
            self.dropped += len(some)
            requests = ", ".join(one.request_id for one in some)
            _log.warning("the answers to these requests are not kept: %s: %s", requests, error)
