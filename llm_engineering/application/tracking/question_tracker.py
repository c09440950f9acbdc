"""Takes served questions off the request's path."""

import logging
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Self

from llm_engineering.application.ports.tracking import ExperimentTracker
from llm_engineering.application.tracking.config import TrackingConfig
from llm_engineering.application.tracking.drops import Drops
from llm_engineering.application.tracking.served import Rated, Served, sampled
from llm_engineering.application.tracking.sessions import Clock, Sessions
from llm_engineering.domain.redaction import Redaction
from llm_engineering.domain.releases import Release

_log = logging.getLogger(__name__)


class QuestionTracker:
    """Hands questions and votes to the experiment tracker, from a thread of its own.

    `served` and `rated` never wait and never raise: what finds the queue full, or the tracker
    failing, is dropped and counted in `dropped`.

    Args: those of Sessions; `config` also says which questions are taken and how many may wait.
    """

    def __init__(
        self,
        tracker: ExperimentTracker,
        release: Callable[[], Release],
        config: TrackingConfig,
        clock: Clock,
        redaction: Redaction,
    ) -> None:
        self._config = config
        self._drops = Drops()
        self._sessions = Sessions(tracker, release, config, clock, redaction, self._drops)
        self._waiting: queue.Queue[Served | Rated | None] = queue.Queue()  # bounded by `_put`
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="question-tracker", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def dropped(self) -> int:
        """Returns how many questions and votes were lost."""
        return self._drops.total

    def served(self, served: Served) -> None:
        """Notes a question and what became of it, if it is in the sample."""
        self._put(served.request.request_id, served)

    def rated(self, rated: Rated) -> None:
        """Notes what a reader thought of an answer, if its question is in the sample."""
        self._put(rated.request_id, rated)

    def close(self) -> None:
        """Returns when everything noted is with the tracker and its task is closed."""
        with self._lock:
            if not self._closing.is_set():
                self._closing.set()
                self._waiting.put(None)
        self._thread.join()

    def _put(self, request_id: str, item: Served | Rated) -> None:
        if not sampled(request_id, self._config.share):
            return
        with self._lock:
            if self._closing.is_set() or self._waiting.qsize() >= self._config.waiting:
                self._drops.add()
            else:
                self._waiting.put_nowait(item)

    def _work(self) -> None:
        while True:
            try:
                item = self._waiting.get(timeout=self._sessions.left_s())
            except queue.Empty:
                self._try(self._sessions.tick)
                continue
            if item is None:
                break
            self._try(partial(self._sessions.take, item))
        self._try(self._sessions.close)
        if self.dropped:
            _log.warning("%d questions or votes were not tracked", self.dropped)

    def _try(self, do: Callable[[], None]) -> None:
        """Does something with the tracker; when it fails, the next try comes after a pause."""
        try:
            do()
        except Exception:  # noqa: BLE001 - the edge of a thread; the service goes on whatever fails
            _log.exception("questions are not tracked for %g s", self._config.pause_s)
            self._sessions.abandon()
            self._closing.wait(self._config.pause_s)
