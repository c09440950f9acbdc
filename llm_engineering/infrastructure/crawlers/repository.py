"""Repositories: one document for each text file worth reading."""

import logging
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from llm_engineering.application.crawling.dispatcher import WEB_SCHEMES
from llm_engineering.application.ports.crawling import Finding, Target, Validators, Visited
from llm_engineering.domain.documents import RepositoryDocument
from llm_engineering.domain.errors import DocumentError, FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.git import Git
from llm_engineering.infrastructure.crawlers.local_repository import LocalRepository, is_tracked
from llm_engineering.infrastructure.crawlers.notebook import notebook_text
from llm_engineering.infrastructure.crawlers.remote_repository import (
    RemoteRepository,
    newest_commit,
)
from llm_engineering.infrastructure.crawlers.source_files import (
    language_of,
    reading_order,
    text_of,
    why_not_written,
    why_unread,
)

_log = logging.getLogger(__name__)


class Repository(Protocol):
    """An opened repository."""

    name: str
    platform: str
    author: str | None
    revision: str | None

    def sizes(self) -> Mapping[str, int | None]:
        """Returns the size in bytes of every regular file by its path; None: too large to come."""
        ...

    def read(self, path: str) -> bytes:
        """Returns the content of a file."""
        ...

    def page(self, path: str) -> str:
        """Returns the address of a file."""
        ...

    def published(self, path: str) -> datetime | None:
        """Returns when the file was last changed, if that is known."""
        ...


class RepositoryCrawler:
    """Brings in the files of a repository by https address, `file:` address or local path.

    The README comes first, notebooks become Markdown. Binary, generated, vendored and lock files
    are left out, as are files above `max_file_bytes`; the log says how many. `depth` of the target
    is not used.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        git: Git,
        workdir: Path,
        clock: Callable[[], datetime],
        *,
        max_file_bytes: int = 1_000_000,
    ) -> None:
        self._policy = policy
        self._git = git
        self._workdir = workdir
        self._clock = clock
        self._max_file_bytes = max_file_bytes

    def visit(self, target: Target) -> Generator[Finding, None, None]:
        """Yields a document for each file, or the one reason why there is no repository.

        A repository on another machine is not cloned while its newest commit stays the same.
        """
        try:
            if self._is_unchanged(target):
                yield Visited(url=target.url, validators=target.validators, unchanged=True)
                return
            with self._opened(target.url) as repository:
                yield Visited(url=target.url, validators=Validators(etag=repository.revision))
                yield from self._documents(repository, target)
        except FetchError as error:
            yield FetchError(target.url, error.reason, transient=error.transient)

    def tracks(self, folder: Path) -> bool:
        """Returns whether a local folder is a repository, or a part of one."""
        return is_tracked(folder, self._git)

    def _is_unchanged(self, target: Target) -> bool:
        known = target.validators.etag
        remote = urlsplit(target.url).scheme in WEB_SCHEMES
        if known is None or not remote:
            return False
        return newest_commit(target.url, self._policy, self._git) == known

    def _opened(self, url: str) -> AbstractContextManager[Repository]:
        if urlsplit(url).scheme in WEB_SCHEMES:
            return RemoteRepository.cloned(url, self._policy, self._git, self._workdir)
        return nullcontext(LocalRepository(local_path(url), self._git))

    def _documents(
        self, repository: Repository, target: Target
    ) -> Iterator[RepositoryDocument | DocumentError]:
        skipped: Counter[str] = Counter()
        sizes = repository.sizes()
        taken = 0
        for path in sorted(sizes, key=reading_order):
            why = why_unread(path) or self._why_too_large(sizes[path])
            if why is None and taken >= target.max_pages:
                why = f"beyond max_pages={target.max_pages}"
            item = why or self._document(repository, path, target)
            if isinstance(item, str):
                skipped[item] += 1
            else:
                taken += 1
                yield item
        _log.info("%s: %d files, left out: %s", target.url, taken, dict(skipped.most_common()))

    def _why_too_large(self, size: int | None) -> str | None:
        return "too large" if size is None or size > self._max_file_bytes else None

    def _document(
        self, repository: Repository, path: str, target: Target
    ) -> RepositoryDocument | DocumentError | str:
        """Returns the document, its failure, or why the file is left out."""
        try:
            data = repository.read(path)
        except FetchError as error:
            return error
        text = text_of(data)
        why = "not text" if text is None else why_not_written(text)
        notebook = path.lower().endswith(".ipynb")
        if text is not None and notebook:
            text = notebook_text(text)
        if text is None or why:
            return why or "empty"
        return RepositoryDocument.create(
            url=repository.page(path),
            title=f"{repository.name}/{path}",
            content=text,
            platform=repository.platform,
            fetched_at=self._clock(),
            author=target.author or repository.author,
            published=repository.published(path),
            language=language_of(path),
            repository=repository.name,
            path=path,
        )


def local_path(url: str) -> Path:
    """Returns the path that a `file:` address or a local link means."""
    parts = urlsplit(url)
    return Path(unquote(parts.path) if parts.scheme == "file" else url).expanduser()
