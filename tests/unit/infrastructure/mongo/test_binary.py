import os
import sys
from pathlib import Path

import pytest

from llm_engineering.domain.errors import ConfigurationError, MissingDependency
from llm_engineering.infrastructure.mongo import binary


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any mongod; the folder is on Python's path."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    monkeypatch.delitem(sys.modules, "fiftyone", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def test_without_a_mongod_the_error_says_how_to_get_one(bare: Path) -> None:
    with pytest.raises(MissingDependency) as caught:
        binary.find_mongod()
    assert isinstance(caught.value, ConfigurationError)
    for advice in ("DATABASE_HOST=mongodb://", "docker run", "poetry install --with embedded"):
        assert advice in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_packaged_one_is_found_and_not_imported(bare: Path) -> None:
    mongod = executable(bare / "fiftyone" / "db" / "bin" / "mongod")
    (bare / "fiftyone" / "__init__.py").write_text("raise RuntimeError('imported')")
    assert binary.find_mongod() == mongod


def test_one_on_the_path_serves_as_well(bare: Path) -> None:
    mongod = executable(bare / "bin" / "mongod")
    assert binary.find_mongod() == mongod


def test_a_file_that_cannot_be_run_does_not_count(bare: Path) -> None:
    mongod = executable(bare / "fiftyone" / "db" / "bin" / "mongod")
    mongod.chmod(0o644)
    assert not os.access(mongod, os.X_OK)
    with pytest.raises(MissingDependency):
        binary.find_mongod()


def test_this_platform_s_package_holds_one() -> None:
    assert binary.find_mongod().name == "mongod"
