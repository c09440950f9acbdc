"""Folders that are no repositories: which files are read, and how each may fail."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llm_engineering.application.ports.crawling import Finding, Target, Visited
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.errors import DocumentError, FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.git import Git
from llm_engineering.infrastructure.crawlers.local_folder import FolderLimits, LocalFolderCrawler
from llm_engineering.infrastructure.crawlers.repository import RepositoryCrawler
from tests.unit.infrastructure.crawlers.file_making import LOCKED_PDF, docx, paragraph, pdf

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WRITTEN = datetime(2026, 5, 1, tzinfo=UTC)
PAGE = "<html lang='en'><head><title>{0}</title></head><body><main><h1>{0}</h1>{1}</main></html>"
PROSE = "<p>The water rises for six hours, stands still, and falls for six hours again.</p>" * 4


def crawler(limits: FolderLimits = FolderLimits()) -> LocalFolderCrawler:
    repositories = RepositoryCrawler(AddressPolicy(), Git(), Path("unused"), lambda: NOW)
    return LocalFolderCrawler(repositories, lambda: NOW, limits)


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (WRITTEN.timestamp(), WRITTEN.timestamp()))
    return folder


def found(target: Target, limits: FolderLimits = FolderLimits()) -> list[Finding]:
    visited, *findings = crawler(limits).visit(target)
    assert isinstance(visited, Visited)
    assert (visited.url, visited.unchanged) == (target.url, False)
    return findings


def documents(path: Path, limits: FolderLimits = FolderLimits()) -> list[ArticleDocument]:
    findings = found(Target(url=str(path)), limits)
    kept = [finding for finding in findings if isinstance(finding, ArticleDocument)]
    assert kept == findings
    return kept


def only_error(path: Path, limits: FolderLimits = FolderLimits()) -> DocumentError:
    (error,) = found(Target(url=str(path)), limits)
    assert isinstance(error, DocumentError)
    return error


def test_each_kind_of_file_becomes_a_document(tmp_path: Path) -> None:
    cells = {"cells": [{"cell_type": "markdown", "source": "# Notebook"}]}
    folder = write(
        tmp_path,
        {
            "a.md": "# Markdown\n\ntext",
            "b.html": PAGE.format("Page", PROSE),
            "c.txt": "Plain text.",
            "d.ipynb": json.dumps(cells),
            "e.pdf": pdf(["Paper text."], Title="Paper"),
            "f.docx": docx(paragraph("Word text."), "<dc:title>Word</dc:title>"),
            "deep/er/g.MD": "# Deep",
            "program.py": "print(1)",
            "photo.png": b"\x89PNG",
        },
    )
    titles = [(document.title, document.url) for document in documents(folder)]
    assert titles == [
        ("Markdown", (folder / "a.md").as_uri()),
        ("Page", (folder / "b.html").as_uri()),
        ("c", (folder / "c.txt").as_uri()),
        ("Notebook", (folder / "d.ipynb").as_uri()),
        ("Paper", (folder / "e.pdf").as_uri()),
        ("Word", (folder / "f.docx").as_uri()),
        ("Deep", (folder / "deep/er/g.MD").as_uri()),
    ]


def test_what_a_file_says_of_itself_counts_before_what_the_link_says(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"a.pdf": pdf(["text"], Author="Ada Lovelace", CreationDate="D:2026"), "b.txt": "text"},
    )
    ada, office = found(Target(url=str(tmp_path), author="Harbour Office"))
    assert isinstance(ada, ArticleDocument)
    assert isinstance(office, ArticleDocument)
    assert (ada.author_full_name, ada.published) == (
        "Ada Lovelace",
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert (office.author_full_name, office.published) == ("Harbour Office", None)
    assert office.modified == WRITTEN
    assert (office.platform, office.fetched_at) == ("local", NOW)


def test_one_file_may_be_the_link(tmp_path: Path) -> None:
    write(tmp_path, {"a b.md": "# Tides", "other.md": "# Other"})
    by_path = documents(tmp_path / "a b.md")
    (by_address,) = found(Target(url=(tmp_path / "a b.md").as_uri()))
    assert [document.title for document in by_path] == ["Tides"]
    assert by_address == by_path[0]


def test_hidden_vendored_and_linked_files_are_passed_over(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"secret.md": "# Secret"})
    folder = write(
        tmp_path / "notes",
        {
            "a.md": "# A",
            ".hidden.md": "# H",
            ".obsidian/x.md": "# O",
            "node_modules/x/readme.md": "# N",
            "~$paper.docx": b"lock",
        },
    )
    (folder / "link.md").symlink_to(outside / "secret.md")
    (folder / "linked").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.md")
    assert [document.title for document in documents(folder)] == ["A"]


def test_a_file_that_became_a_link_meanwhile_is_not_followed(tmp_path: Path) -> None:
    folder = write(tmp_path / "notes", {"a.md": "# A", "b.md": "# B"})
    write(tmp_path, {"secret.md": "# Secret"})
    visit = crawler().visit(Target(url=str(folder)))
    assert isinstance(next(visit), Visited)
    (folder / "a.md").unlink()
    (folder / "a.md").symlink_to(tmp_path / "secret.md")
    error, kept = visit
    assert isinstance(error, FetchError)
    assert isinstance(kept, ArticleDocument)
    assert kept.title == "B"


def test_nothing_is_read_again_until_a_file_changes(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a.md": "# A", "b.md": "# B"})
    visited, *_ = crawler().visit(Target(url=str(folder)))
    assert isinstance(visited, Visited)
    again = Target(url=str(folder), validators=visited.validators)
    assert list(crawler().visit(again)) == [visited.model_copy(update={"unchanged": True})]

    (folder / "b.md").write_text("# B, revised")
    changed, *findings = crawler().visit(again)
    assert isinstance(changed, Visited)
    assert not changed.unchanged
    assert len(findings) == 2
    (folder / "a.md").unlink()
    assert len(list(crawler().visit(again))) == 2


def test_the_limit_of_a_link_bounds_the_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, {f"{n}.md": f"# {n}" for n in range(5)} | {"x.py": "1"})
    with caplog.at_level("INFO", logger="llm_engineering"):
        assert len(found(Target(url=str(tmp_path), max_pages=2))) == 2
    assert "2 files, left out: {'beyond max_pages=2': 3, '.py': 1}" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.pdf", LOCKED_PDF, "a PDF that needs a password"),
        ("a.pdf", b"%PDF broken", "a PDF that is broken and cannot be read"),
        ("a.docx", b"PK broken", "a DOCX that is broken and cannot be read"),
        ("a.txt", b"\0\1\2", "holds no text"),
        ("a.md", b"", "holds no text"),
        ("a.html", b"", "the page is empty"),
        ("a.ipynb", b"{}", "no Jupyter notebook, or an empty one"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_failure_and_the_others_come(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    write(tmp_path, {name: content, "z.md": "# Z"})
    error, other = found(Target(url=str(tmp_path)))
    assert isinstance(error, DocumentError)
    assert (error.url, error.reason) == ((tmp_path / name).as_uri(), reason)
    assert isinstance(other, ArticleDocument)


def test_files_above_their_limit_say_so(tmp_path: Path) -> None:
    limits = FolderLimits(max_text_bytes=10, max_document_bytes=2_000)
    write(tmp_path, {"a.md": "# 23456789"})
    assert len(documents(tmp_path, limits)) == 1
    write(tmp_path, {"a.md": "# 234567890"})
    assert only_error(tmp_path, limits).reason == "larger than 10 bytes"
    (tmp_path / "a.md").unlink()
    write(tmp_path, {"a.pdf": pdf(["text " * 500])})
    assert only_error(tmp_path, limits).reason == "larger than 2,000 bytes"


def test_links_that_lead_nowhere_say_so(tmp_path: Path) -> None:
    write(tmp_path, {"a.exe": b"MZ"})
    for url, reason in {
        str(tmp_path / "none"): "no such folder or file",
        str(tmp_path / "a.exe"): "not a file that is read here (.docx, .htm",
    }.items():
        with pytest.raises(FetchError) as failed:
            list(crawler().visit(Target(url=url)))
        assert failed.value.url == url
        assert reason in failed.value.reason


def test_an_empty_folder_gives_nothing(tmp_path: Path) -> None:
    assert documents(tmp_path) == []


def test_a_name_that_is_no_unicode_does_not_end_the_visit(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"gr\xf6\xdfe.txt")).write_text("text")
    (document,) = documents(tmp_path)
    assert document.title == "gr??e"
    assert document.url.endswith("/gr%F6%DFe.txt")
