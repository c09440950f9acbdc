"""Logs each question to the experiment tracker, off the request's path."""

import contextlib
import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from llm_engineering.application.ports.tracking import ExperimentTask, ExperimentTracker
from llm_engineering.domain.answers import Answer
from llm_engineering.domain.queries import Query, ScoredChunk

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Question:
    query: Query
    found: Sequence[ScoredChunk]
    answer: Answer


class QuestionLog:
    """Hands questions to one task of the tracker, from a thread of its own.

    `record` never waits and never raises: when `capacity` questions are waiting already, the new
    one is dropped and counted in `dropped`.

    Args:
        tracker: where the task is opened, with the first question.
        task_name: name of that task.
        capacity: questions that may wait.
    """

    def __init__(self, tracker: ExperimentTracker, task_name: str, capacity: int = 1000) -> None:
        self.dropped = 0
        self._tracker = tracker
        self._task_name = task_name
        self._waiting: queue.Queue[_Question | None] = queue.Queue(capacity)
        self._thread = threading.Thread(target=self._work, name="question-log", daemon=True)
        self._lock = threading.Lock()
        self._closed = False
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def record(self, answer: Answer, found: Sequence[ScoredChunk], query: Query) -> None:
        """Notes a question, what was found for it and its answer."""
        with self._lock:
            if self._closed or self._waiting.full():
                self.dropped += 1
            else:
                self._waiting.put_nowait(_Question(query, tuple(found), answer))

    def close(self) -> None:
        """Returns when every noted question is with the tracker and its task is closed."""
        with self._lock:
            already, self._closed = self._closed, True
        if not already:
            self._waiting.put(None)  # waits for room, which the thread makes
        self._thread.join()

    def _work(self) -> None:
        try:
            first = self._waiting.get()
            if first is not None:
                with self._tracker.task(self._task_name, "inference") as task:
                    self._report_all(task, first)
        except Exception:  # noqa: BLE001 - the edge of a thread; a log that fails must not fail the service
            _log.exception("questions are no longer logged")
        with self._lock:
            self._closed = True
        self._drain()

    def _report_all(self, task: ExperimentTask, first: _Question) -> None:
        question: _Question | None = first
        iteration = 0
        while question is not None:
            iteration += 1
            _report(task, question, iteration)
            question = self._waiting.get()

    def _drain(self) -> None:
        """Counts what a failed tracker left behind, and lets `close` through."""
        with contextlib.suppress(queue.Empty):
            while True:
                if self._waiting.get_nowait() is not None:
                    self.dropped += 1


def _report(task: ExperimentTask, question: _Question, iteration: int) -> None:
    answer, query = question.answer, question.query
    if answer.timings_ms:
        task.scalars("latency in ms", answer.timings_ms, iteration)
    task.scalars("answer", {"grounded": float(answer.grounded)}, iteration)
    filters = query.filters.model_dump_json(exclude_defaults=True)
    row = {"question": query.text, "filters": filters, "mode": answer.mode, "model": answer.model}
    task.table("question", [row], iteration)
    if question.found:
        task.table("found", _rows(question.found), iteration)


def _rows(found: Sequence[ScoredChunk]) -> list[dict[str, object]]:
    """Returns a row a chunk; a score that a chunk lacks is None, so that the rows share keys."""
    stages = list(dict.fromkeys(stage for scored in found for stage in scored.scores))
    return [
        {
            "rank": rank,
            "chunk": str(scored.chunk.id),
            "url": scored.chunk.url,
            "text": scored.chunk.text[:200],
            **{stage: scored.scores.get(stage) for stage in stages},
        }
        for rank, scored in enumerate(found, start=1)
    ]
