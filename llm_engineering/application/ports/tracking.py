"""Where experiments are tracked (ClearML) and models are registered (MLflow)."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from llm_engineering.domain.releases import RegisteredModel


class ExperimentTask(Protocol):
    """One running task of the tracker."""

    def parameters(self, values: Mapping[str, object]) -> None:
        """Records the configuration of the run."""
        ...

    def scalars(self, title: str, values: Mapping[str, float], iteration: int) -> None:
        """Records a point of each series below `title` at its true iteration."""
        ...

    def table(self, title: str, rows: Sequence[Mapping[str, object]], iteration: int) -> None:
        """Records a table; the rows share their keys. Without rows nothing is recorded."""
        ...

    def bars(
        self,
        title: str,
        labels: Sequence[str],
        series: Mapping[str, Sequence[float]],
        iteration: int,
        *,
        unit: str,
        log: bool = False,
    ) -> None:
        """Records a plot: each series has a bar for each label, of so many `unit`.

        `log` draws the bars on a logarithmic scale.
        """
        ...

    def artifact(self, name: str, content: Mapping[str, object] | Path) -> None:
        """Records a result, as data or as a file."""
        ...

    @property
    def last_iteration(self) -> int:
        """The highest iteration recorded so far, 0 in a new task."""
        ...

    @property
    def location(self) -> str:
        """Where to look at it: a page of the server, or a file."""
        ...


class ExperimentTracker(Protocol):
    """Opens tasks. A tracker that cannot be reached never fails the run: it records offline."""

    def task(
        self, name: str, kind: str, *, continues: bool = False
    ) -> AbstractContextManager[ExperimentTask]:
        """Returns a task that is closed, as done or failed, when the block ends.

        `kind` is `training`, `testing`, `inference` or `data_processing`. One that `continues`
        goes on with the task of that name, if there was one: its iterations go on too.
        """
        ...


class SessionUploads(Protocol):
    """Brings what was recorded offline to the tracker's server."""

    def waiting(self) -> Sequence[str]:
        """Returns the names of the recorded sessions, those of one task in their order."""
        ...

    def upload(self, session: str) -> str:
        """Uploads a session and deletes it here; returns the page of its task.

        Raises:
            ConfigurationError: no server is set.
            IntegrityError: it is no session, or was damaged; it stays here.
            StoreUnavailable: the server does not answer, or does not take it; it stays here.
        """
        ...


class ModelRegistry(Protocol):
    """Versions of named models, with aliases.

    Every method raises StoreUnavailable when the registry cannot be reached.
    """

    def register(
        self, name: str, folder: Path, metrics: Mapping[str, float], tags: Mapping[str, str]
    ) -> RegisteredModel:
        """Stores the files of a model as its next version, with a SHA-256 for each.

        Raises:
            InvalidInput: a file is of a kind that can carry code (allowed: safetensors, JSON,
                Jinja templates and tokenizer text files).
        """
        ...

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Points the alias to that version."""
        ...

    def get(self, name: str, version_or_alias: str) -> RegisteredModel:
        """Returns the version of that number or alias.

        Raises:
            InvalidInput: there is none; names those that exist.
        """
        ...

    def ping(self) -> None:
        """Returns when the registry answers."""
        ...

    def fetch(self, model: RegisteredModel) -> Path:
        """Returns a local folder with the model's files, their hashes checked.

        Raises:
            IntegrityError: a file is missing, unexpected or differs from its hash.
        """
        ...
