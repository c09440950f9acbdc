"""Work on a Ray cluster, by Ray Data: actors that make their worker once, over blocks of items."""

import logging
import pickle
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from llm_engineering.application.ports.execution import Item, Result, Worker
from llm_engineering.domain.errors import ExecutionFailed, MissingDependency, PipelineError
from llm_engineering.infrastructure.execution.batches import batched, worked

if TYPE_CHECKING:
    from ray.data import Dataset

_BATCHES_EACH = 16  # in one Ray dataset, for each worker: bounds the object store
Rows = dict[str, list[bytes]]


class RayExecutor:
    """Works on the cluster at `address`, or on one that lives on this machine until `close`.

    Args:
        address: of a running cluster (`auto`, `host:6379`, `ray://host:10001`); None starts one.
        workers: the most actors at a time, each with one CPU of the cluster.

    Raises:
        MissingDependency: Ray is not installed.
        ExecutionFailed: no cluster answers at the address.
    """

    def __init__(self, address: str | None, workers: int) -> None:
        try:
            import ray  # noqa: PLC0415 - optional, and seconds to import
        except ImportError as error:
            raise MissingDependency(
                "Ray is not installed: RUN_EXTRAS=distributed ./run setup"
            ) from error
        self._workers = workers
        own = address is None
        try:
            ray.init(
                address,
                num_cpus=workers if own else None,
                include_dashboard=False if own else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, RuntimeError, TimeoutError, ValueError) as error:
            raise ExecutionFailed(
                f"RAY_ADDRESS={address}: {' '.join(str(error).split())}"
            ) from error
        _quieten()

    def map(
        self,
        make_worker: Callable[[], Worker[Item, Result]],
        items: Iterable[Item],
        *,
        batch_size: int,
    ) -> Iterator[Result]:
        """Yields the result of each item in order. Ray repeats what a lost worker had.

        Raises:
            PipelineError: what a worker raised.
            ExecutionFailed: the cluster is lost, or a worker failed in a way that is no such error.
        """
        from ray.exceptions import RayError  # noqa: PLC0415

        actor = _actor_of(make_worker)
        try:
            for part in batched(items, batch_size * self._workers * _BATCHES_EACH):
                yield from self._results(actor, part, batch_size)
        except RayError as error:
            raise ExecutionFailed(f"Ray: {_reason(error)}") from error

    def _results(self, actor: type, items: Sequence[Any], batch_size: int) -> Iterator[Any]:
        from ray.data import ActorPoolStrategy, from_items  # noqa: PLC0415

        rows = [{"item": pickle.dumps(item)} for item in items]
        blocks = -(-len(rows) // batch_size)
        dataset: Dataset = from_items(rows, override_num_blocks=blocks).map_batches(
            actor,
            batch_size=batch_size,
            num_cpus=1,
            compute=ActorPoolStrategy(min_size=1, max_size=min(self._workers, blocks)),
        )
        for row in dataset.iter_rows():
            result = pickle.loads(row["result"])  # noqa: S301 - our own workers wrote it
            if isinstance(result, PipelineError):
                raise result
            yield result

    def close(self) -> None:
        """Leaves the cluster, and ends it if it was ours."""
        import ray  # noqa: PLC0415

        ray.shutdown()


def _actor_of(make_worker: Callable[[], Worker[Item, Result]]) -> type:
    """Returns the class of the actors; it carries `make_worker`, so a restarted one has it too."""

    class Actor:
        def __init__(self) -> None:
            self._worker = make_worker()

        def __call__(self, rows: Rows) -> Rows:
            batch = [pickle.loads(item) for item in rows["item"]]  # noqa: S301 - written above
            try:
                results: Sequence[object] = worked(self._worker, batch)
            except PipelineError as error:
                results = [error] * len(batch)
            return {"result": [pickle.dumps(result) for result in results]}

    return Actor


def _reason(error: Exception) -> str:
    """Returns the line of the first exception in Ray's report, else its last line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return next((line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)), lines[-1])


def _quieten() -> None:
    from ray.data import DataContext  # noqa: PLC0415

    context = DataContext.get_current()
    context.enable_progress_bars = False  # the pipelines draw their own
    context.execution_options.preserve_order = True
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # errors are raised
