"""A repository on this machine, read in place: the tracked files of a git work tree."""

import os
import stat
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.git import Git, split_nul

_REGULAR_FILES = ("100644", "100755")
_COMMIT_MARK = "\x01"


class LocalRepository:
    """A folder of a git work tree; untracked and ignored files are not part of it."""

    def __init__(self, folder: Path, git: Git) -> None:
        """Lists the files and their last commits.

        Raises:
            FetchError: there is no such folder, or it is not in a git work tree.
        """
        if not folder.is_dir():
            hint = "no such folder (web pages start with https://)"
            raise FetchError(str(folder), hint)
        self._root = folder.resolve()
        self._paths = _tracked(git, self._root)
        self._dates, self.author = _history(git, self._root)
        self.name = self._root.name
        self.platform = "git"
        self.revision: str | None = None  # what is not committed counts, too

    def sizes(self) -> Mapping[str, int | None]:
        """Returns the size in bytes of every regular file by its path."""
        sizes: dict[str, int | None] = {}
        for path in self._paths:
            try:
                status = (self._root / path).lstat()
            except OSError:  # tracked, and deleted since
                continue
            if stat.S_ISREG(status.st_mode) and self._is_inside(path):
                sizes[path] = status.st_size
        return sizes

    def _is_inside(self, path: str) -> bool:
        """A folder may have been replaced by a link to elsewhere."""
        return (self._root / path).parent.resolve().is_relative_to(self._root)

    def read(self, path: str) -> bytes:
        """Returns the content of a file.

        Raises:
            FetchError: it cannot be read.
        """
        try:
            handle = os.open(self._root / path, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(handle, "rb") as file:
                return file.read()
        except OSError as error:
            raise FetchError(self.page(path), error.strerror or "cannot be read") from error

    def page(self, path: str) -> str:
        """Returns the address of a file."""
        return (self._root / path).as_uri()

    def published(self, path: str) -> datetime | None:
        """Returns when a commit last touched the file."""
        return self._dates.get(path)


def is_tracked(folder: Path, git: Git) -> bool:
    """Returns whether git tracks files of a folder; it is only asked where there is a `.git`.

    A work tree that is broken counts as one: its reader says what is wrong.
    """
    root = folder.resolve()
    if not any((parent / ".git").exists() for parent in (root, *root.parents)):
        return False
    try:
        return bool(_tracked(git, root))
    except FetchError:
        return (root / ".git").exists()


def _tracked(git: Git, root: Path) -> list[str]:
    records = split_nul(git.read(root, "ls-files", "-z", "--cached", "--stage"))
    entries = (record.partition("\t") for record in records)
    return list(dict.fromkeys(p for facts, _, p in entries if facts.startswith(_REGULAR_FILES)))


def _history(git: Git, root: Path) -> tuple[Mapping[str, datetime], str | None]:
    """Returns the last commit of every file, and who made most commits; one pass of `git log`.

    A shallow clone or an empty history knows neither.
    """
    try:
        if git.read(root, "rev-parse", "--is-shallow-repository").strip() == b"true":
            return {}, None
        log = git.read(
            root,
            "log",
            "-z",
            "--format=%x01%cI%x09%aN",
            "--name-only",
            "--no-renames",
            "--relative",
        )
    except FetchError:
        return {}, None
    dates: dict[str, datetime] = {}
    authors: Counter[str] = Counter()
    newest = None
    for record in split_nul(log.replace(b"\n", b"\0")):
        if record.startswith(_COMMIT_MARK):
            date, _, author = record.removeprefix(_COMMIT_MARK).partition("\t")
            newest = datetime.fromisoformat(date)
            authors[author] += 1
        elif newest is not None:
            dates.setdefault(record, newest)
    return dates, min(authors, key=lambda name: (-authors[name], name), default=None)
