"""Work in this process: the default, which costs nothing to start."""

from collections.abc import Callable, Iterable, Iterator

from llm_engineering.application.ports.execution import Item, Result, Worker
from llm_engineering.infrastructure.execution.batches import batched, worked


class InProcessExecutor:
    """Works one batch after the other. Models use their own threads."""

    def map(
        self,
        make_worker: Callable[[], Worker[Item, Result]],
        items: Iterable[Item],
        *,
        batch_size: int,
    ) -> Iterator[Result]:
        """Yields the result of each item; the worker is made with the first one."""
        worker: Worker[Item, Result] | None = None
        for batch in batched(items, batch_size):
            worker = worker or make_worker()
            yield from worked(worker, batch)

    def close(self) -> None:
        """Does nothing: there is nothing to give back."""
