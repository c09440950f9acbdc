import json
import os
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from llm_engineering.application.ports.crawling import Target, Visited
from llm_engineering.domain.documents import RepositoryDocument
from llm_engineering.domain.errors import MissingDependency
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.git import GitLimits
from llm_engineering.infrastructure.crawlers.repository import RepositoryCrawler
from tests.integration.crawlers.git_serving import (
    COMMITTED,
    READ,
    crawler_with,
    documents_of,
    git,
    only_error,
)
from tests.integration.crawlers.local_site import LocalSite


def test_a_local_repository_is_read_in_place(work_tree: Path, crawler: RepositoryCrawler) -> None:
    documents = documents_of(crawler, Target(url=str(work_tree)))
    assert [document.path for document in documents] == READ
    readme, code = documents[0], documents[4]
    assert (readme.title, readme.content, readme.language) == (
        "tides/README.md",
        "# Tides\n",
        "markdown",
    )
    assert readme.url == (work_tree / "README.md").as_uri()
    assert (readme.repository, readme.platform) == ("tides", "git")
    assert (readme.author_full_name, readme.published) == ("Ada Lovelace", COMMITTED)
    assert (code.content, code.language) == ("def high():\n    return 1\n", "python")
    assert documents[3].content == "gr\ufffd\ufffder"


def test_the_address_of_a_file_is_escaped(work_tree: Path, crawler: RepositoryCrawler) -> None:
    (document,) = (d for d in documents_of(crawler, Target(url=str(work_tree))) if "ö" in d.path)
    assert document.url.endswith("/tides/h%C3%B6he.txt")
    assert document.content == "größer"


def test_a_file_address_is_the_same_as_its_path(
    work_tree: Path, crawler: RepositoryCrawler
) -> None:
    by_path = documents_of(crawler, Target(url=str(work_tree)))
    by_address = documents_of(crawler, Target(url=work_tree.as_uri()))
    assert [(d.id, d.revision) for d in by_path] == [(d.id, d.revision) for d in by_address]


def test_changes_that_are_not_committed_are_read(
    work_tree: Path, crawler: RepositoryCrawler
) -> None:
    (work_tree / "README.md").write_text("# Tides, revised\n")
    (work_tree / "Makefile").unlink()
    documents = documents_of(crawler, Target(url=str(work_tree)))
    assert documents[0].content == "# Tides, revised\n"
    assert "Makefile" not in [document.path for document in documents]


def test_links_lead_nowhere_even_when_they_replace_a_tracked_folder(
    work_tree: Path, crawler: RepositoryCrawler, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "first.py").write_text("secret")
    (work_tree / "a" / "first.py").unlink()
    (work_tree / "a").rmdir()
    (work_tree / "a").symlink_to(elsewhere)
    (work_tree / "Makefile").unlink()
    (work_tree / "Makefile").symlink_to(elsewhere / "first.py")
    documents = documents_of(crawler, Target(url=str(work_tree)))
    assert not [d.path for d in documents if "secret" in d.content]
    assert [d.path for d in documents] == [p for p in READ if p not in ("Makefile", "a/first.py")]


def test_the_author_is_the_links_or_who_committed_most(
    work_tree: Path, crawler: RepositoryCrawler
) -> None:
    for number in range(2):
        (work_tree / "README.md").write_text(f"# Tides {number}\n")
        git(work_tree, "commit", "--quiet", "--all", "--message=more", author="Grace Hopper")
    assert documents_of(crawler, Target(url=str(work_tree)))[0].author_full_name == "Grace Hopper"
    named = documents_of(crawler, Target(url=str(work_tree), author="Mary Somerville"))
    assert {document.author_full_name for document in named} == {"Mary Somerville"}


def test_the_limit_of_a_link_bounds_the_files(work_tree: Path, crawler: RepositoryCrawler) -> None:
    documents = documents_of(crawler, Target(url=str(work_tree), max_pages=2))
    assert [document.path for document in documents] == READ[:2]


def test_what_is_left_out_is_counted(
    work_tree: Path, crawler: RepositoryCrawler, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="llm_engineering"):
        list(crawler.visit(Target(url=str(work_tree))))
    for why in (
        "'not text': 3",
        "'lock file': 2",
        "'vendored': 1",
        "'generated': 1",
        "'too large': 1",
    ):
        assert why in caplog.text


def test_a_repository_without_commits_is_read(tmp_path: Path, crawler: RepositoryCrawler) -> None:
    git(tmp_path, "init", "--quiet", "new")
    (tmp_path / "new" / "README.md").write_text("# New")
    git(tmp_path / "new", "add", "README.md")
    (document,) = documents_of(crawler, Target(url=str(tmp_path / "new")))
    assert (document.author_full_name, document.published) == (None, None)


def test_hooks_and_programs_of_the_repository_do_not_run(
    work_tree: Path, crawler: RepositoryCrawler, tmp_path: Path
) -> None:
    canary = tmp_path / "ran"
    git(work_tree, "config", "core.fsmonitor", f"touch {canary}; false")
    assert documents_of(crawler, Target(url=str(work_tree)))
    assert not canary.exists()


def test_a_folder_that_is_no_work_tree_is_an_error(
    tmp_path: Path, crawler: RepositoryCrawler
) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    assert "not a git repository" in only_error(crawler, str(folder)).reason
    assert "no such folder" in only_error(crawler, str(tmp_path / "none")).reason


@pytest.mark.parametrize(
    "url",
    [
        "--upload-pack=touch {canary}",
        "https://--upload-pack=touch%20{canary}/x.git",
        "https://github.com/--upload-pack=touch/x.git",
        "https://github.com/a/-x",
        "https://github.com/a/..%2f..%2fetc",
        "https://github.com/a/../b",
        "https://github.com/a b/c;touch {canary}",
        "https://github.com/",
    ],
)
def test_addresses_that_are_options_or_paths_run_nothing(
    tmp_path: Path, crawler: RepositoryCrawler, url: str
) -> None:
    canary = tmp_path / "ran"
    only_error(crawler, url.format(canary=canary))
    assert not canary.exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "[::1]", "me@127.0.0.1"])
def test_private_hosts_are_refused(tmp_path: Path, crawler: RepositoryCrawler, host: str) -> None:
    assert "not a public address" in only_error(crawler, f"https://{host}/a/b.git").reason
    assert list((tmp_path / "clones").iterdir()) == []


def test_a_remote_repository_is_cloned_read_and_removed(
    served: str, site: LocalSite, tmp_path: Path
) -> None:
    crawler = crawler_with(tmp_path, AddressPolicy(frozenset({site.host})))
    documents = documents_of(crawler, Target(url=served))
    assert [document.path for document in documents] == READ
    readme = documents[0]
    assert readme.url == f"{site.url}/sea/tides/blob/main/README.md"
    assert (readme.repository, readme.author_full_name) == ("sea/tides", "sea")
    assert readme.published is None
    assert not [d for d in documents if "secret" in d.content]
    assert list((tmp_path / "clones").iterdir()) == []


def test_a_clone_that_is_closed_early_is_removed(
    served: str, site: LocalSite, tmp_path: Path
) -> None:
    crawler = crawler_with(tmp_path, AddressPolicy(frozenset({site.host})))
    items = crawler.visit(Target(url=served))
    assert isinstance(next(items), Visited)
    assert isinstance(next(items), RepositoryDocument)
    items.close()
    assert list((tmp_path / "clones").iterdir()) == []


def test_the_address_that_was_checked_is_the_one_git_connects_to(
    served: str, site: LocalSite, tmp_path: Path
) -> None:
    name = f"forge.invalid:{site.host.partition(':')[2]}"  # unknown to the system's resolver

    def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    crawler = crawler_with(tmp_path, AddressPolicy(frozenset({name}), resolve))
    documents = documents_of(crawler, Target(url=served.replace(site.host, name)))
    assert [document.path for document in documents] == READ


def test_redirects_of_a_forge_are_not_followed(site: LocalSite, tmp_path: Path) -> None:
    site.redirect("/a/b.git/info/refs", "http://127.0.0.2/c/info/refs")
    crawler = crawler_with(tmp_path, AddressPolicy(frozenset({site.host})))
    error = only_error(crawler, f"{site.url}/a/b.git")
    assert error.reason == "the repository has moved: give its present address"


def test_a_repository_that_is_not_there_is_an_error(site: LocalSite, tmp_path: Path) -> None:
    crawler = crawler_with(tmp_path, AddressPolicy(frozenset({site.host})))
    error = only_error(crawler, f"{site.url}/none.git")
    assert "not found" in error.reason
    assert not error.transient


def test_a_clone_above_the_limit_ends(
    served: str, site: LocalSite, work_tree: Path, tmp_path: Path
) -> None:
    (work_tree / "noise.bin").write_bytes(os.urandom(2_000_000))
    git(work_tree, "add", "noise.bin")
    git(work_tree, "commit", "--quiet", "--message=noise")
    git(work_tree, "push", "--quiet", str(tmp_path / "served/sea/tides.git"), "main")
    limits = GitLimits(max_pack_bytes=1_000_000)
    crawler = crawler_with(tmp_path, AddressPolicy(frozenset({site.host})), limits)
    assert only_error(crawler, served).reason == "larger than 1,000,000 bytes"
    assert list((tmp_path / "clones").iterdir()) == []


def test_a_notebook_becomes_its_text(work_tree: Path, crawler: RepositoryCrawler) -> None:
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": ["# High water\n", "measured"]},
            {"cell_type": "code", "source": "print(1)", "outputs": [{"text": "SECRET"}]},
        ]
    }
    (work_tree / "a" / "tides.ipynb").write_text(json.dumps(notebook))
    git(work_tree, "add", "a/tides.ipynb")
    (document,) = (
        d for d in documents_of(crawler, Target(url=str(work_tree))) if d.path.endswith(".ipynb")
    )
    assert document.content == "# High water\nmeasured\n\n```python\nprint(1)\n```\n"


def test_a_forge_that_hangs_is_left(site: LocalSite, tmp_path: Path) -> None:
    def hang(request: BaseHTTPRequestHandler) -> None:
        time.sleep(3)

    site.pages["/a/b.git/info/refs"] = hang
    policy = AddressPolicy(frozenset({site.host}))
    crawler = crawler_with(tmp_path, policy, GitLimits(timeout_s=0.5))
    begun = time.monotonic()
    error = only_error(crawler, f"{site.url}/a/b.git")
    assert (error.reason, error.transient) == ("git took longer than 0.5 s", True)
    assert time.monotonic() - begun < 2


def test_a_machine_without_git_says_what_to_install(
    work_tree: Path, crawler: RepositoryCrawler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingDependency, match="git is not installed"):
        list(crawler.visit(Target(url=str(work_tree))))
