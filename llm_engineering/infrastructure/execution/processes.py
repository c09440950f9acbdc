"""Work in several processes of this machine."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Generic

from llm_engineering.application.ports.execution import Item, Result, Worker
from llm_engineering.domain.errors import ExecutionFailed
from llm_engineering.infrastructure.execution.batches import batched, worked

_BATCHES_EACH = 2  # under way or waiting, for each process
_TRIES = 3  # pools that a batch may see die before the run gives up


class ProcessExecutor:
    """Works batches in `processes` processes, started anew for each map.

    They are spawned, not forked: models and connections do not survive a fork.
    """

    def __init__(self, processes: int) -> None:
        self._processes = processes

    def map(
        self,
        make_worker: Callable[[], Worker[Item, Result]],
        items: Iterable[Item],
        *,
        batch_size: int,
    ) -> Iterator[Result]:
        """Yields the result of each item in order; a killed process loses nothing.

        Raises:
            ExecutionFailed: the processes died three times at the same batch.
        """
        run = _Run(self._processes, make_worker)
        try:
            yield from run.results(batched(items, batch_size))
        finally:
            run.close()

    def close(self) -> None:
        """Does nothing: each map ends its own processes."""


class _Run(Generic[Item, Result]):
    """One map: a pool, and the batches that are not answered yet, oldest first."""

    def __init__(self, processes: int, make_worker: Callable[[], Worker[Item, Result]]) -> None:
        self._processes = processes
        self._make_worker = make_worker
        self._waiting: deque[tuple[Sequence[Item], Future[list[Result]]]] = deque()
        self._pool = self._new_pool()

    def results(self, batches: Iterator[Sequence[Item]]) -> Iterator[Result]:
        for batch in batches:
            self._waiting.append((batch, self._submit(batch)))
            if len(self._waiting) >= self._processes * _BATCHES_EACH:
                yield from self._oldest()
        while self._waiting:
            yield from self._oldest()

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _oldest(self) -> list[Result]:
        for _ in range(_TRIES):
            try:
                results = self._waiting[0][1].result()
            except BrokenProcessPool:
                self._restart()
            else:
                self._waiting.popleft()
                return results
        raise ExecutionFailed(
            f"the working processes died {_TRIES} times at the same batch of "
            f"{len(self._waiting[0][0])} documents: out of memory?"
        )

    def _restart(self) -> None:
        """Begins all unanswered batches again, in a new pool."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = self._new_pool()
        self._waiting = deque((batch, self._submit(batch)) for batch, _ in self._waiting)

    def _submit(self, batch: Sequence[Item]) -> "Future[list[Result]]":
        try:
            return self._pool.submit(_work, batch)
        except BrokenProcessPool as error:  # noticed when the batch's turn comes
            failed: Future[list[Result]] = Future()
            failed.set_exception(error)
            return failed

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(self._make_worker,),
        )


# what a spawned process holds for all of its batches: a process pool has no other place for it
_workers: list[Worker[Any, Any]] = []


def _begin(make_worker: Callable[[], Worker[Any, Any]]) -> None:
    _workers.append(make_worker())


def _work(batch: Sequence[Any]) -> list[Any]:
    return worked(_workers[0], batch)
