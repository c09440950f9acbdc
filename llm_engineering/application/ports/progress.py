"""How long work tells people how far it is."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class Progress(Protocol):
    """Shows stages of work, one bar each."""

    def stage(
        self, name: str, total: int | None = None
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Returns a stage; inside its block, call the value with how much more is done.

        `total` is None when nobody knows yet.
        """
        ...
