"""What every part of the platform has: settings, a data folder, and what is to be given back."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from llm_engineering.application.ports.progress import Progress
from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.settings import Settings


def now() -> datetime:
    """Returns the present time; the only clock of the platform, passed on as an argument."""
    return datetime.now(UTC)


class Resources:
    """The settings, and all that was opened with them.

    `progress` shows downloads of models; None shows nothing.
    """

    def __init__(self, settings: Settings, progress: Progress | None = None) -> None:
        self.settings = settings
        self._progress = progress
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives everything back that was built."""
        self._resources.close()

    def folder(self, name: str) -> Path:
        """Returns a folder of the data directory, made if need be.

        Raises:
            ConfigurationError: it cannot be made.
        """
        folder = self.settings.DATA_DIR.expanduser().absolute() / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"DATA_DIR: {folder}: {error.strerror}") from error
        return folder
