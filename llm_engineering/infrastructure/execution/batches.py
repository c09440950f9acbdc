"""Batches of items, and workers that answer for each of them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from llm_engineering.application.ports.execution import Item, Result, Worker
from llm_engineering.domain.errors import ExecutionFailed


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yields consecutive batches of `size` items; the last one may be shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def worked(worker: Worker[Item, Result], batch: Sequence[Item]) -> list[Result]:
    """Returns the worker's results.

    Raises:
        ExecutionFailed: it did not give one for each item.
    """
    results = list(worker(batch))
    if len(results) != len(batch):
        raise ExecutionFailed(f"a worker gave {len(results)} results for {len(batch)} items")
    return results
