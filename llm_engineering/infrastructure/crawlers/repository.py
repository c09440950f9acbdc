"""Repositories: one document for each text file worth reading."""

import logging
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from llm_engineering.application.ports.crawling import Link
from llm_engineering.domain.documents import RepositoryDocument
from llm_engineering.domain.errors import DocumentError, FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.git import Git
from llm_engineering.infrastructure.crawlers.local_repository import LocalRepository
from llm_engineering.infrastructure.crawlers.remote_repository import RemoteRepository
from llm_engineering.infrastructure.crawlers.source_files import (
    language_of,
    reading_order,
    text_of,
    why_unread,
)

_log = logging.getLogger(__name__)


class Repository(Protocol):
    """An opened repository."""

    name: str
    platform: str
    author: str | None

    def sizes(self) -> Mapping[str, int]:
        """Returns the size in bytes of every regular file by its path."""
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

    The README comes first. Binary, generated, vendored and lock files are left out, as are files
    above `max_file_bytes`; the log says how many. `depth` of the link is not used.
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

    def crawl(self, link: Link) -> Generator[RepositoryDocument | DocumentError, None, None]:
        """Yields a document for each file, or the one reason why there is no repository."""
        try:
            with self._opened(link.url) as repository:
                yield from self._documents(repository, link)
        except FetchError as error:
            yield FetchError(link.url, error.reason, transient=error.transient)

    def _opened(self, url: str) -> AbstractContextManager[Repository]:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https"):
            return RemoteRepository.cloned(url, self._policy, self._git, self._workdir)
        folder = Path(unquote(parts.path) if parts.scheme == "file" else url)
        return nullcontext(LocalRepository(folder.expanduser(), self._git))

    def _documents(
        self, repository: Repository, link: Link
    ) -> Iterator[RepositoryDocument | DocumentError]:
        skipped: Counter[str] = Counter()
        sizes = repository.sizes()
        taken = 0
        for path in sorted(sizes, key=reading_order):
            why = why_unread(path) or ("too large" if sizes[path] > self._max_file_bytes else None)
            if why is None and taken >= link.max_pages:
                why = f"beyond max_pages={link.max_pages}"
            item = None if why else self._document(repository, path, link)
            if item is None:
                skipped[why or "not text"] += 1
            else:
                taken += 1
                yield item
        _log.info("%s: %d files, left out: %s", link.url, taken, dict(skipped.most_common()))

    def _document(
        self, repository: Repository, path: str, link: Link
    ) -> RepositoryDocument | DocumentError | None:
        try:
            data = repository.read(path)
        except FetchError as error:
            return error
        text = text_of(data)
        if text is None:
            return None
        return RepositoryDocument.create(
            url=repository.page(path),
            title=f"{repository.name}/{path}",
            content=text,
            platform=repository.platform,
            fetched_at=self._clock(),
            author=link.author or repository.author,
            published=repository.published(path),
            language=language_of(path),
            repository=repository.name,
            path=path,
        )
