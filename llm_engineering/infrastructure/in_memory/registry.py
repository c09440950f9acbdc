"""A model registry for tests and dry runs."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.model_files import check_files, check_hash, check_kinds
from llm_engineering.domain.releases import RegisteredModel

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class _Version:
    content: dict[str, bytes]
    model: RegisteredModel


class InMemoryModelRegistry:
    """Keeps the files of each version in memory. `content` is open, so that tests can tamper.

    Args:
        cache: where `fetch` writes files to.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._versions: dict[str, list[_Version]] = {}
        self._aliases: dict[str, dict[str, int]] = {}

    def ping(self) -> None:
        """Returns at once."""

    def register(
        self, name: str, folder: Path, metrics: Mapping[str, float], tags: Mapping[str, str]
    ) -> RegisteredModel:
        """Stores the files as the next version."""
        content = {
            file.relative_to(folder).as_posix(): file.read_bytes()
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }
        check_kinds(content)
        versions = self._versions.setdefault(name, [])
        model = RegisteredModel(
            name=name,
            version=len(versions) + 1,
            files={path: hashlib.sha256(data).hexdigest() for path, data in content.items()},
            metrics=dict(metrics),
            tags=dict(tags),
            created_at=EPOCH,
        )
        versions.append(_Version(content, model))
        return model

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Points the alias to that version."""
        self.get(name, str(version))
        self._aliases.setdefault(name, {})[alias] = version

    def get(self, name: str, version_or_alias: str) -> RegisteredModel:
        """Returns the version of that number or alias."""
        aliases = self._aliases.get(name, {})
        versions = {str(v.model.version): v.model for v in self._versions.get(name, [])}
        model = versions.get(str(aliases.get(version_or_alias, version_or_alias)))
        if model is None:
            known = ", ".join([*aliases, *versions]) or "none"
            raise InvalidInput(f"model {name!r} has no {version_or_alias!r} (known: {known})")
        pointing = tuple(sorted(a for a, version in aliases.items() if version == model.version))
        return model.model_copy(update={"aliases": pointing})

    def content(self, model: RegisteredModel) -> dict[str, bytes]:
        """Returns the files of a version, open to change."""
        return self._versions[model.name][model.version - 1].content

    def fetch(self, model: RegisteredModel) -> Path:
        """Returns a folder with the files, their hashes checked."""
        content = self.content(model)
        check_files(model.files, content)
        folder = self._cache / model.name / str(model.version)
        for path, data in content.items():
            check_hash(path, model.files[path], hashlib.sha256(data).hexdigest())
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder
