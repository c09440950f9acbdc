"""Where the costly work of a pipeline runs: in this process, in several, or on a cluster."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Protocol, TypeVar


class Engine(StrEnum):
    """Where work runs: on this machine, or on a Ray cluster."""

    LOCAL = "local"
    RAY = "ray"


Item = TypeVar("Item")
Result = TypeVar("Result")
Worker = Callable[[Sequence[Item]], Sequence[Result]]


class Executor(Protocol):
    """Runs workers over batches of items.

    A worker is made once in each process and then called with many batches: it loads its model
    when it is made. Workers only compute; what they return is written by whoever asked. A batch
    may be worked on twice when a process is killed, so a worker changes nothing outside itself.
    """

    def map(
        self,
        make_worker: Callable[[], Worker[Item, Result]],
        items: Iterable[Item],
        *,
        batch_size: int,
    ) -> Iterator[Result]:
        """Yields the result of each item, in the order of the items.

        `items` are read as workers become free, so that memory holds a few batches, not all.
        `make_worker`, items and results must be picklable where there are other processes.

        Raises:
            PipelineError: what a worker raised.
            ExecutionFailed: processes were lost again and again.
        """
        ...

    def close(self) -> None:
        """Gives the processes back; the executor is not used after it."""
        ...
