"""Progress for tests and for output that nobody watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class SilentProgress:
    """Counts instead of showing: `done` holds what each stage was told."""

    def __init__(self) -> None:
        self.done: dict[str, int] = {}

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:  # noqa: ARG002 - nothing is shown
        """Opens a stage; nothing is printed."""
        self.done.setdefault(name, 0)

        def advance(amount: int) -> None:
            self.done[name] += amount

        yield advance
