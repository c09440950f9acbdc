"""Keeps served answers for feedback, off the request's path."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from llm_engineering.application.ports.feedback import FeedbackStore
from llm_engineering.domain.errors import PipelineError, StoreUnavailable
from llm_engineering.domain.feedback import Feedback, ServedAnswer

_log = logging.getLogger(__name__)
_FLUSH_S = 10.0


class AnswerRecorder:
    """Stores answers from a thread of its own.

    `record` never waits and never raises: when `capacity` answers are waiting already, or the store
    cannot be reached, the answer is dropped and counted in `dropped`; feedback to it then finds
    nothing.
    """

    def __init__(self, store: FeedbackStore, capacity: int = 1000) -> None:
        self.dropped = 0
        self._store = store
        self._room = threading.BoundedSemaphore(capacity)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answer-recorder")

    def record(self, served: ServedAnswer) -> None:
        """Has an answer stored soon."""
        if not self._room.acquire(blocking=False):
            self.dropped += 1
            return
        try:
            self._thread.submit(self._store_one, served)
        except RuntimeError:  # closed
            self.dropped += 1

    def rate(self, request_id: str, key_id: str | None, feedback: Feedback) -> bool:
        """Adds feedback to an answer of that key; returns whether there is one.

        Raises:
            StoreUnavailable: the store cannot be reached, or what waits for it takes too long.
        """
        try:
            self._thread.submit(lambda: None).result(_FLUSH_S)  # the answer may be waiting still
        except TimeoutError as error:
            raise StoreUnavailable("answers wait too long to be stored") from error
        return self._store.rate(request_id, key_id, feedback)

    def close(self) -> None:
        """Returns when everything that waited is stored."""
        self._thread.shutdown()

    def _store_one(self, served: ServedAnswer) -> None:
        try:
            self._store.record(served)
        except PipelineError as error:
            self.dropped += 1
            _log.warning("the answer to request %s is not kept: %s", served.request_id, error)
        finally:
            self._room.release()
