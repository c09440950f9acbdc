"""Proof that a file is the published one, hashed once and remembered."""

import contextlib
import hashlib
import os
from pathlib import Path

from llm_engineering.domain.errors import IntegrityError


class VerifiedFiles:
    """Checks files against their SHA-256, and remembers by size and time what it has checked.

    Hashing a gigabyte takes seconds; a file that was not touched since is not hashed again.
    """

    def __init__(self, stamps: Path) -> None:
        self._stamps = stamps

    def check(self, path: Path, sha256: str) -> None:
        """Does nothing if the file's bytes are the published ones.

        Raises:
            IntegrityError: they are not; names the file, the expected and the found hash.
        """
        stamp = self._stamps / hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:24]
        status = path.stat()
        proof = f"{status.st_size} {status.st_mtime_ns} {sha256}"
        if _content(stamp) == proof:
            return
        found = sha256_of(path)
        if found != sha256:
            raise IntegrityError(
                f"{path}: expected SHA-256 {sha256}, found {found}; delete it and try again"
            )
        # a read-only cache costs a hash at each start, and nothing else
        with contextlib.suppress(OSError):
            self._remember(stamp, proof)

    def _remember(self, stamp: Path, proof: str) -> None:
        self._stamps.mkdir(parents=True, exist_ok=True)
        partial = stamp.with_suffix(f".{os.getpid()}")
        partial.write_text(proof, encoding="ascii")
        partial.replace(stamp)


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _content(stamp: Path) -> str | None:
    try:
        return stamp.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
