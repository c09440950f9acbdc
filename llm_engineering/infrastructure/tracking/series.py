"""What outlives the process of a task that goes on: its last iteration, its id on the server."""

import os
import threading
from pathlib import Path

from llm_engineering.domain.ids import fingerprint


class Series:
    """The sessions of one task, by its name, below the tracker's folder.

    Each of the two values lies in a file of its own: a service counts iterations while an upload
    learns the id.
    """

    def __init__(self, folder: Path, name: str) -> None:
        stem = fingerprint(name)
        self._iteration = folder / "series" / f"{stem}.iteration"
        self._task_id = folder / "series" / f"{stem}.task"

    @property
    def known(self) -> bool:
        """Whether a task of that name was ever told to go on."""
        return self._iteration.exists()

    @property
    def last_iteration(self) -> int:
        """The highest iteration that was recorded, 0 before the first."""
        return int(_read(self._iteration) or 0)

    @last_iteration.setter
    def last_iteration(self, iteration: int) -> None:
        _replace(self._iteration, str(iteration))

    @property
    def task_id(self) -> str | None:
        """The task on the server; None while everything is offline."""
        return _read(self._task_id) or None

    @task_id.setter
    def task_id(self, task_id: str) -> None:
        _replace(self._task_id, task_id)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _replace(file: Path, text: str) -> None:
    """Writes a file that is whole or as before, whenever the process is killed.

    Several workers of a service count in the same series, so each writes a file of its own first.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f"{file.suffix}.{os.getpid()}-{threading.get_ident()}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
