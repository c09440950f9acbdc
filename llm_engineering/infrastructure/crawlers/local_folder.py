"""Local folders that are no git work tree: one document for each file that people read."""

import hashlib
import logging
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from llm_engineering.application.ports.crawling import (
    Finding,
    Target,
    Validators,
    Visited,
)
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.errors import DocumentError, FetchError
from llm_engineering.infrastructure.crawlers.decoding import decode
from llm_engineering.infrastructure.crawlers.extraction import extract
from llm_engineering.infrastructure.crawlers.html_tree import parse
from llm_engineering.infrastructure.crawlers.local_folder_docx import read_docx
from llm_engineering.infrastructure.crawlers.local_folder_pdf import read_pdf
from llm_engineering.infrastructure.crawlers.local_folder_text import (
    FileText,
    read_markdown,
    read_notebook,
    read_plain,
)
from llm_engineering.infrastructure.crawlers.repository import RepositoryCrawler, local_path
from llm_engineering.infrastructure.crawlers.source_files import is_vendored

_log = logging.getLogger(__name__)

Reader = Callable[[bytes, str], FileText]


@dataclass(frozen=True)
class FolderLimits:
    """Bounds of one file, in bytes and seconds. PDF and DOCX carry pictures, texts do not."""

    max_text_bytes: int = 10_000_000
    max_document_bytes: int = 100_000_000
    timeout_s: float = 60.0


class LocalFolderCrawler:
    """Brings in a local folder, or one file: Markdown, HTML, text, notebooks, PDF and DOCX.

    A folder whose files git tracks goes to the crawler of repositories. Symbolic links are not
    followed, hidden and vendored folders are passed over.
    """

    def __init__(
        self,
        repositories: RepositoryCrawler,
        clock: Callable[[], datetime],
        limits: FolderLimits = FolderLimits(),
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._repositories = repositories
        self._clock = clock
        self._limits = limits
        self._readers = _readers(clock, limits, monotonic)

    def visit(self, target: Target) -> Generator[Finding, None, None]:
        """Yields a document or a failure for each file; nothing when no file changed.

        Raises:
            FetchError: there is no such folder or file.
        """
        path = local_path(target.url)
        if path.is_dir() and self._repositories.tracks(path):
            yield from self._repositories.visit(target)
            return
        files = self._files(path, target)
        state = _state_of(files)
        unchanged = state == target.validators.etag
        yield Visited(url=target.url, validators=Validators(etag=state), unchanged=unchanged)
        for file in () if unchanged else files:
            try:
                yield self._document(file, target)
            except DocumentError as error:
                yield error

    def _files(self, path: Path, target: Target) -> Sequence[Path]:
        """Returns the files to read, those of a folder before those of its folders."""
        if path.is_file():
            if path.suffix.lower() not in self._readers:
                known = ", ".join(sorted(self._readers))
                raise FetchError(target.url, f"not a file that is read here ({known})")
            return [path.absolute()]
        if not path.is_dir():
            raise FetchError(target.url, "no such folder or file (web pages start with https://)")
        skipped: Counter[str] = Counter()
        found: list[Path] = []
        for file in _walk(path.resolve(), target.url):
            suffix = file.suffix.lower()
            if suffix in self._readers and len(found) < target.max_pages:
                found.append(file)
            else:
                beyond = suffix in self._readers
                skipped[f"beyond max_pages={target.max_pages}" if beyond else suffix] += 1
        _log.info("%s: %d files, left out: %s", target.url, len(found), dict(skipped.most_common()))
        return found

    def _document(self, file: Path, target: Target) -> ArticleDocument:
        url = file.as_uri()
        data, changed = self._content(file, url)
        found = self._readers[file.suffix.lower()](data, url)
        return ArticleDocument.create(
            url=url,
            title=found.title or file.stem.encode("utf-8", "replace").decode(),
            content=found.text,
            platform="local",
            fetched_at=self._clock(),
            author=found.author or target.author,
            published=found.published,
            modified=found.modified or changed,
            language=found.language,
        )

    def _content(self, file: Path, url: str) -> tuple[bytes, datetime]:
        """Returns the content of a regular file, and when it was last written."""
        large = file.suffix.lower() in (".pdf", ".docx")
        most = self._limits.max_document_bytes if large else self._limits.max_text_bytes
        try:
            handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as opened:
                status = os.fstat(handle)
                if not stat.S_ISREG(status.st_mode):
                    raise FetchError(url, "not a regular file")
                data = opened.read(most + 1)
        except OSError as error:
            raise FetchError(url, error.strerror or "cannot be read") from error
        if len(data) > most:
            raise FetchError(url, f"larger than {most:,} bytes")
        return data, datetime.fromtimestamp(status.st_mtime, UTC)


def _readers(
    clock: Callable[[], datetime], limits: FolderLimits, monotonic: Callable[[], float]
) -> Mapping[str, Reader]:
    def read_html(data: bytes, url: str) -> FileText:
        found = extract(parse(decode(data), url), url, clock())
        return FileText(
            found.text, found.title, found.author, found.published, found.modified, found.language
        )

    def read_paper(data: bytes, url: str) -> FileText:
        return read_pdf(data, url, monotonic, limits.timeout_s)

    def read_word(data: bytes, url: str) -> FileText:
        return read_docx(data, url, limits.max_document_bytes)

    return {
        ".docx": read_word,
        ".htm": read_html,
        ".html": read_html,
        ".ipynb": read_notebook,
        ".markdown": read_markdown,
        ".md": read_markdown,
        ".mdx": read_markdown,
        ".pdf": read_paper,
        ".rst": read_plain,
        ".txt": read_plain,
        ".xhtml": read_html,
    }


def _walk(folder: Path, url: str) -> Iterator[Path]:
    """Yields the regular files below a folder, by name; a link to elsewhere is no file."""
    folders = [folder]
    while folders:
        here = folders.pop(0)
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            if here == folder:
                raise FetchError(url, error.strerror or "cannot be read") from error
            _log.warning("%s: %s", here, error.strerror)
            continue
        for entry in entries:
            if entry.name.startswith((".", "~$")):  # `~$` are the lock files of Word
                continue
            if entry.is_dir(follow_symlinks=False) and not is_vendored(entry.name):
                folders.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _state_of(files: Sequence[Path]) -> str:
    """Returns a hash of names, sizes and times: when it stays, no file is read again."""
    state = hashlib.sha256()
    for file in files:
        try:
            status = file.lstat()
            fact = f"{status.st_size}:{status.st_mtime_ns}"
        except OSError:
            fact = "gone"
        state.update(f"{file}\0{fact}\0".encode("utf-8", "surrogateescape"))
    return state.hexdigest()
