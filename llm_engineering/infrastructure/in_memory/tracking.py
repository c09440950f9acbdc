"""An experiment tracker for tests and dry runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from llm_engineering.domain.errors import InvalidInput

TASK_KINDS = ("training", "testing", "inference", "data_processing")


@dataclass
class InMemoryTask:
    """A task that keeps what it was told. `outcome` is `running`, `done` or `failed`."""

    name: str
    kind: str
    recorded_parameters: dict[str, object] = field(default_factory=dict)
    recorded_scalars: list[tuple[str, int, dict[str, float]]] = field(default_factory=list)
    recorded_tables: list[tuple[str, int, list[dict[str, object]]]] = field(default_factory=list)
    recorded_bars: list[tuple[str, int, list[str], dict[str, list[float]]]] = field(
        default_factory=list
    )
    recorded_artifacts: dict[str, dict[str, object] | bytes] = field(default_factory=dict)
    outcome: str = "running"

    def parameters(self, values: Mapping[str, object]) -> None:
        """Keeps the configuration."""
        self.recorded_parameters |= values

    def scalars(self, title: str, values: Mapping[str, float], iteration: int) -> None:
        """Keeps a point of each series."""
        self.recorded_scalars.append((title, iteration, dict(values)))

    def table(self, title: str, rows: Sequence[Mapping[str, object]], iteration: int) -> None:
        """Keeps a table."""
        if rows:
            self.recorded_tables.append((title, iteration, [dict(row) for row in rows]))

    def bars(
        self,
        title: str,
        labels: Sequence[str],
        series: Mapping[str, Sequence[float]],
        iteration: int,
        *,
        unit: str,  # noqa: ARG002 - the port's signature
        log: bool = False,  # noqa: ARG002
    ) -> None:
        """Keeps what a plot shows."""
        kept = {name: list(values) for name, values in series.items()}
        self.recorded_bars.append((title, iteration, list(labels), kept))

    def artifact(self, name: str, content: Mapping[str, object] | Path) -> None:
        """Keeps data, or the bytes of a file."""
        self.recorded_artifacts[name] = (
            content.read_bytes() if isinstance(content, Path) else dict(content)
        )

    @property
    def last_iteration(self) -> int:
        """The highest iteration recorded so far."""
        told = [n for _, n, _ in (*self.recorded_scalars, *self.recorded_tables)]
        return max(told + [n for _, n, *_ in self.recorded_bars], default=0)

    @property
    def location(self) -> str:
        """A name of its own."""
        return f"memory:{self.name}"


class InMemoryTracker:
    """Records everything: `tasks` holds every task that was opened, in order."""

    def __init__(self) -> None:
        self.tasks: list[InMemoryTask] = []

    @contextmanager
    def task(self, name: str, kind: str, *, continues: bool = False) -> Iterator[InMemoryTask]:
        """Opens a task, or the one of that name again."""
        if kind not in TASK_KINDS:
            raise InvalidInput(f"kind of task: {kind!r} (allowed: {', '.join(TASK_KINDS)})")
        former = [task for task in self.tasks if continues and task.name == name]
        task = former[-1] if former else InMemoryTask(name, kind)
        if not former:
            self.tasks.append(task)
        task.outcome = "running"
        try:
            yield task
        except BaseException:
            task.outcome = "failed"
            raise
        task.outcome = "done"
