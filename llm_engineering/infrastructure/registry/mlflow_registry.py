"""Registers models in MLflow: as plain files with a manifest, never as pyfunc.

Loading a pyfunc runs code from the model's folder, even with pickle disabled. So the files of a
version lie below `model/` of its run, next to a `manifest.json` with the SHA-256 of each; the
manifest's own SHA-256 is a tag of the version. Only files that cannot carry code go in or out.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from llm_engineering.domain.errors import IntegrityError, InvalidInput
from llm_engineering.domain.model_files import allowed, check_files, check_kinds
from llm_engineering.domain.releases import RegisteredModel
from llm_engineering.infrastructure.registry.hashes import check_folder, files_below, sha256
from llm_engineering.infrastructure.registry.mlflow_client import make_client, translated

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

EXPERIMENT = "model-registry"
MODEL = "model"
MANIFEST = "manifest.json"
MANIFEST_TAG = "manifest_sha256"


class MLflowRegistry:
    """Versions of models on an MLflow server, or in SQLite and a folder.

    Args:
        tracking_uri: the server; None for SQLite and files below `folder`.
        folder: the database and the files when there is no server.
        cache: where fetched models are kept, a folder a version.
    """

    def __init__(self, tracking_uri: str | None, *, folder: Path, cache: Path) -> None:
        folder = folder.absolute()
        self._uri = tracking_uri or f"sqlite:///{folder / 'mlflow.db'}"
        self._files = None if tracking_uri else folder / "artifacts"
        self._cache = cache.absolute()

    @cached_property
    def _client(self) -> "MlflowClient":
        if self._files is not None:
            self._files.mkdir(parents=True, exist_ok=True)
        return make_client(self._uri)

    def ping(self) -> None:
        """Returns when the registry answers.

        Raises:
            StoreUnavailable: it does not.
        """
        with translated(self._uri):
            self._client.search_registered_models(max_results=1)

    def register(
        self, name: str, folder: Path, metrics: Mapping[str, float], tags: Mapping[str, str]
    ) -> RegisteredModel:
        """Stores the files of a model as its next version.

        Raises:
            InvalidInput: a file is of a kind that can carry code, or a link.
            StoreUnavailable: the registry cannot be reached.
        """
        files = files_below(folder)
        check_kinds(files)
        manifest = json.dumps(files, indent=1, sort_keys=True)
        with translated(self._uri), tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch, MANIFEST)
            file.write_text(manifest, encoding="utf-8")
            run_id = self._upload(name, folder, file, metrics)
            version = self._new_version(name, run_id, {**tags, MANIFEST_TAG: sha256(file)})
        return self.get(name, str(version))

    def _upload(self, name: str, folder: Path, manifest: Path, metrics: Mapping[str, float]) -> str:
        client = self._client
        run_id: str = client.create_run(self._experiment(), run_name=f"register {name}").info.run_id
        client.log_artifacts(run_id, str(folder), MODEL)
        client.log_artifact(run_id, str(manifest))
        for metric, value in metrics.items():
            client.log_metric(run_id, metric, value)
        client.set_terminated(run_id)
        return run_id

    def _experiment(self) -> str:
        known = self._client.get_experiment_by_name(EXPERIMENT)
        if known is not None:
            return str(known.experiment_id)
        location = None if self._files is None else self._files.as_uri()
        return str(self._client.create_experiment(EXPERIMENT, artifact_location=location))

    def _new_version(self, name: str, run_id: str, tags: Mapping[str, str]) -> int:
        client = self._client
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        created = client.create_model_version(
            name, f"runs:/{run_id}/{MODEL}", run_id=run_id, tags=dict(tags)
        )
        return int(created.version)

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Points the alias to that version.

        Raises:
            InvalidInput: there is no such version.
            StoreUnavailable: the registry cannot be reached.
        """
        self._version(name, str(version))
        with translated(self._uri):
            self._client.set_registered_model_alias(name, alias, str(version))

    def get(self, name: str, version_or_alias: str) -> RegisteredModel:
        """Returns the version of that number or alias.

        Raises:
            InvalidInput: there is none; names those that exist.
            IntegrityError: its manifest was changed, or it was registered by other means.
            StoreUnavailable: the registry cannot be reached.
        """
        version = self._version(name, version_or_alias)
        with translated(self._uri), tempfile.TemporaryDirectory() as scratch:
            files = self._manifest(version, Path(scratch))
            metrics = self._client.get_run(str(version.run_id)).data.metrics
            aliases = self._aliases(name)
        return RegisteredModel(
            name=name,
            version=int(version.version),
            aliases=tuple(sorted(a for a, v in aliases.items() if v == str(version.version))),
            files=files,
            metrics=metrics,
            tags={key: text for key, text in version.tags.items() if key != MANIFEST_TAG},
            created_at=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
        )

    def _version(self, name: str, version_or_alias: str) -> "ModelVersion":
        with translated(self._uri):
            versions = {
                str(v.version): v for v in self._client.search_model_versions(f"name = '{name}'")
            }
            aliases = self._aliases(name) if versions else {}
        found = versions.get(aliases.get(version_or_alias, version_or_alias))
        if found is None:
            known = ", ".join([*aliases, *versions]) or "none"
            raise InvalidInput(f"model {name!r} has no {version_or_alias!r} (known: {known})")
        return found

    def _aliases(self, name: str) -> dict[str, str]:
        aliases = self._client.get_registered_model(name).aliases
        return {alias: str(version) for alias, version in aliases.items()}

    def _manifest(self, version: "ModelVersion", scratch: Path) -> dict[str, str]:
        if MANIFEST_TAG not in version.tags or not version.run_id:
            raise IntegrityError(f"model {version.name} {version.version} has no manifest")
        file = Path(self._client.download_artifacts(version.run_id, MANIFEST, str(scratch)))
        if sha256(file) != version.tags[MANIFEST_TAG]:
            raise IntegrityError(f"the manifest of {version.name} {version.version} was changed")
        files: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        return files

    def fetch(self, model: RegisteredModel) -> Path:
        """Returns a local folder with the model's files, their hashes checked.

        What was fetched before is checked again, and used when it is whole.

        Raises:
            IntegrityError: a file is missing, unexpected, of another kind or differs from its hash.
            StoreUnavailable: the registry cannot be reached.
        """
        if bad := next((path for path in model.files if not allowed(path)), None):
            raise IntegrityError(f"the manifest names {bad!r}, which no model may have")
        folder = self._cache / model.name / str(model.version)
        if folder.is_dir():
            try:
                check_folder(folder, model.files)
            except IntegrityError:
                shutil.rmtree(folder)
            else:
                return folder
        self._download(model, folder)
        return folder

    def _download(self, model: RegisteredModel, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        version = self._version(model.name, str(model.version))
        with (
            translated(self._uri),
            tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as scratch,
        ):
            check_files(model.files, self._listing(str(version.run_id), MODEL))
            whole = Path(scratch, "whole")
            for path in sorted(model.files):
                got = self._client.download_artifacts(
                    str(version.run_id), f"{MODEL}/{path}", scratch
                )
                (whole / path).parent.mkdir(parents=True, exist_ok=True)
                Path(got).rename(whole / path)
            check_folder(whole, model.files)
            whole.rename(folder)

    def _listing(self, run_id: str, below: str) -> list[str]:
        """Returns all files below, relative to the model, before any of them is downloaded."""
        paths: list[str] = []
        for entry in self._client.list_artifacts(run_id, below):
            if entry.is_dir:
                paths += self._listing(run_id, entry.path)
            else:
                paths.append(entry.path.removeprefix(f"{MODEL}/"))
        return paths
