"""Which files a registered model may be made of, and the manifest that pins them."""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from llm_engineering.domain.errors import IntegrityError, InvalidInput

# none of these can carry code; a pickle, a Python file or MLflow's MLmodel can
ALLOWED_SUFFIXES = (".jinja", ".json", ".model", ".safetensors", ".txt")


def allowed(path: str) -> bool:
    """Returns whether `path` stays below the model's folder and is of a kind without code."""
    parts = path.split("/")
    inside = "\\" not in path and "\0" not in path and all(p not in ("", ".", "..") for p in parts)
    return inside and PurePosixPath(path).suffix in ALLOWED_SUFFIXES


def check_kinds(paths: Iterable[str]) -> None:
    """Returns when every file may be registered.

    Raises:
        InvalidInput: one may not; or there is none.
    """
    names = sorted(paths)
    if not names:
        raise InvalidInput("a model needs at least one file")
    for name in names:
        if not allowed(name):
            raise InvalidInput(f"model file {name!r} (allowed: {', '.join(ALLOWED_SUFFIXES)})")


def check_files(expected: Mapping[str, str], found: Iterable[str]) -> None:
    """Returns when the files that were found are those of the manifest, no more and no fewer.

    Raises:
        IntegrityError: names the first file that is not allowed, missing or unexpected.
    """
    present = set(found)
    for name in sorted(expected):
        if not allowed(name):
            raise IntegrityError(f"the manifest names {name!r}, which no model may have")
        if name not in present:
            raise IntegrityError(f"model file {name!r} is missing")
    unexpected = sorted(present - set(expected))
    if unexpected:
        raise IntegrityError(f"model file {unexpected[0]!r} is not in the manifest")


def check_hash(name: str, expected: str, actual: str) -> None:
    """Returns when a file has the hash of its manifest.

    Raises:
        IntegrityError: it has another one.
    """
    if actual != expected:
        raise IntegrityError(f"model file {name!r} has SHA-256 {actual}, expected {expected}")
