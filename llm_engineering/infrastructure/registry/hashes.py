"""The SHA-256 of the files of a folder."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.model_files import check_files, check_hash


def sha256(file: Path) -> str:
    """Returns the hash of a file's bytes, 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_below(folder: Path) -> dict[str, str]:
    """Returns the hash of every file below a folder, by its relative path with `/`.

    Raises:
        InvalidInput: there is a link, which may lead outside the folder.
    """
    hashes: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise InvalidInput(f"{path}: a link (allowed: plain files)")
        if path.is_file():
            hashes[path.relative_to(folder).as_posix()] = sha256(path)
    return hashes


def check_folder(folder: Path, expected: Mapping[str, str]) -> None:
    """Returns when the folder holds exactly the expected files.

    Raises:
        IntegrityError: names the file that is missing, unexpected or changed.
    """
    present = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()]
    check_files(expected, present)
    for name in sorted(expected):
        check_hash(name, expected[name], sha256(folder / name))
