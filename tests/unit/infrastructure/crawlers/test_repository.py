"""From the files of a repository to documents: order, limits, and files that fail."""

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llm_engineering.application.ports.crawling import Finding, Target, Validators, Visited
from llm_engineering.domain.documents import RepositoryDocument
from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.git import Git
from llm_engineering.infrastructure.crawlers.repository import RepositoryCrawler

NOW = datetime(2026, 11, 22, tzinfo=UTC)
CHANGED = datetime(2025, 5, 6, tzinfo=UTC)
URL = "https://example.org/owner/tides.git"


class HeldRepository:
    """A repository in a dictionary; a file may be the error that reading it raises."""

    name = "owner/tides"
    platform = "example.org"
    author: str | None = "Ada Lovelace"
    revision: str | None = "c0ffee"

    def __init__(self, files: Mapping[str, bytes | FetchError]) -> None:
        self._files = files

    def sizes(self) -> Mapping[str, int | None]:
        return {p: len(c) if isinstance(c, bytes) else 1 for p, c in self._files.items()}

    def read(self, path: str) -> bytes:
        content = self._files[path]
        if isinstance(content, FetchError):
            raise content
        return content

    def page(self, path: str) -> str:
        return f"https://example.org/owner/tides/{path}"

    def published(self, path: str) -> datetime | None:
        return CHANGED if path == "README.md" else None


def crawl(
    files: Mapping[str, bytes | FetchError],
    monkeypatch: pytest.MonkeyPatch,
    link: Target = Target(url=URL),
    max_file_bytes: int = 1000,
) -> list[Finding]:
    crawler = RepositoryCrawler(
        AddressPolicy(), Git(), Path("unused"), lambda: NOW, max_file_bytes=max_file_bytes
    )
    monkeypatch.setattr(crawler, "_opened", lambda _: nullcontext(HeldRepository(files)))
    _, *found = crawler.visit(link)
    return found


def test_a_file_becomes_a_document_with_all_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    (document,) = crawl({"README.md": b"# Tides\n"}, monkeypatch)
    assert isinstance(document, RepositoryDocument)
    assert document.content == "# Tides\n"
    assert document.title == "owner/tides/README.md"
    assert (document.repository, document.path) == ("owner/tides", "README.md")
    assert document.author_full_name == "Ada Lovelace"
    assert document.published == CHANGED
    assert document.fetched_at == NOW
    assert document.platform == "example.org"


def test_the_author_of_the_link_comes_before_that_of_the_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (document,) = crawl({"a.py": b"x = 1\n"}, monkeypatch, Target(url=URL, author="Bob Noyce"))
    assert isinstance(document, RepositoryDocument)
    assert document.author_full_name == "Bob Noyce"
    assert document.published is None


def test_the_readme_comes_first_and_the_pages_are_bounded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files = {"a.py": b"a = 1\n", "b.py": b"b = 1\n", "README.md": b"# Tides\n"}
    with caplog.at_level(logging.INFO, logger="llm_engineering"):
        found = crawl(files, monkeypatch, Target(url=URL, max_pages=2))
    paths = [document.path for document in found if isinstance(document, RepositoryDocument)]
    assert len(paths) == 2
    assert paths[0] == "README.md"
    assert "'beyond max_pages=2': 1" in caplog.text


def test_files_too_large_or_not_text_are_left_out_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files = {"large.md": b"x" * 1001, "binary.md": b"\x00\x01\xff" * 9, "fits.md": b"x" * 1000}
    with caplog.at_level(logging.INFO, logger="llm_engineering"):
        (document,) = crawl(files, monkeypatch)
    assert isinstance(document, RepositoryDocument)
    assert document.path == "fits.md"
    assert "'too large': 1" in caplog.text
    assert "'not text': 1" in caplog.text


def test_a_file_that_fails_does_not_end_the_crawl(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = FetchError("https://example.org/a.py", "Permission denied")
    found = crawl({"a.py": broken, "b.py": b"b = 1\n"}, monkeypatch)
    assert found[0] is broken
    assert isinstance(found[1], RepositoryDocument)


def test_a_repository_that_cannot_be_had_is_one_failure_of_the_link(tmp_path: Path) -> None:
    crawler = RepositoryCrawler(AddressPolicy(), Git(), tmp_path, lambda: NOW)
    for url in (str(tmp_path / "nowhere"), f"file://{tmp_path}/no%20where"):
        (failure,) = crawler.visit(Target(url=url))
        assert isinstance(failure, FetchError)
        assert failure.url == url
        assert "no such folder" in failure.reason


def test_an_empty_repository_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert crawl({}, monkeypatch) == []


def test_pointers_and_generated_files_are_left_out_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files = {
        "weights.txt": b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n",
        "api.go": b"// Code generated by x. DO NOT EDIT.\n",
        "broken.ipynb": b"no JSON\n",
    }
    with caplog.at_level(logging.INFO, logger="llm_engineering"):
        assert crawl(files, monkeypatch) == []
    for why in ("'LFS pointer': 1", "'generated': 1", "'empty': 1"):
        assert why in caplog.text


def test_a_visit_begins_with_the_commit_that_it_read(monkeypatch: pytest.MonkeyPatch) -> None:
    crawler = RepositoryCrawler(AddressPolicy(), Git(), Path("unused"), lambda: NOW)
    monkeypatch.setattr(crawler, "_opened", lambda _: nullcontext(HeldRepository({})))
    (visited,) = crawler.visit(Target(url=URL))
    assert visited == Visited(url=URL, validators=Validators(etag="c0ffee"))
