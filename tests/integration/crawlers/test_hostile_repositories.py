"""Repositories that are large, that changed, or that were made to do harm."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from llm_engineering.application.ports.crawling import Target, Validators, Visited
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.git import GitLimits
from tests.integration.crawlers.git_serving import (
    READ,
    crawler_with,
    documents_of,
    git,
    only_error,
    plumbing,
)
from tests.integration.crawlers.local_site import LocalSite


def test_large_files_are_not_even_sent(
    served: str, site: LocalSite, work_tree: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "served/sea/tides.git"
    git(bare, "config", "uploadpack.allowFilter", "true")  # as the large forges have it
    (work_tree / "huge.md").write_bytes(os.urandom(1_000_000).hex().encode())
    git(work_tree, "add", "huge.md")
    git(work_tree, "commit", "--quiet", "--message=huge")
    git(work_tree, "push", "--quiet", str(bare), "main")
    limits = GitLimits(max_pack_bytes=200_000, max_blob_bytes=10_000)
    crawler = crawler_with(tmp_path, AddressPolicy(frozenset({site.host})), limits)
    assert [document.path for document in documents_of(crawler, Target(url=served))] == READ


def test_a_repository_is_cloned_again_only_after_a_commit(
    served: str, site: LocalSite, work_tree: Path, tmp_path: Path
) -> None:
    crawler = crawler_with(tmp_path, AddressPolicy(frozenset({site.host})))
    visited, *documents = crawler.visit(Target(url=served))
    assert isinstance(visited, Visited)
    assert (visited.url, visited.unchanged) == (served, False)
    assert len(documents) == len(READ)
    clones = site.hits["/sea/tides.git/git-upload-pack"]

    again = Target(url=served, validators=visited.validators)
    assert list(crawler.visit(again)) == [
        Visited(url=served, validators=visited.validators, unchanged=True)
    ]
    assert site.hits["/sea/tides.git/git-upload-pack"] == clones + 1  # asks for HEAD only

    git(work_tree, "commit", "--quiet", "--allow-empty", "--message=more")
    git(work_tree, "push", "--quiet", str(tmp_path / "served/sea/tides.git"), "main")
    changed, *documents = crawler.visit(again)
    assert isinstance(changed, Visited)
    assert changed.validators not in (Validators(), visited.validators)
    assert len(documents) == len(READ)


def hostile_commit(bare: Path, entries: Sequence[tuple[str, str]]) -> None:
    """Commits a tree of these paths (mode and name) that git itself would never write."""
    blob = plumbing(bare, "hash-object", "-w", "--stdin", given=b"# evil\n")
    tree = b"".join(
        f"{mode} {name}".encode() + b"\0" + bytes.fromhex(blob) for mode, name in entries
    )
    tree_id = plumbing(
        bare, "hash-object", "-w", "-t", "tree", "--stdin", "--literally", given=tree
    )
    identity = "a <a@example.org> 0 +0000"
    commit = f"tree {tree_id}\nauthor {identity}\ncommitter {identity}\n\nevil\n"
    commit_id = plumbing(
        bare, "hash-object", "-w", "-t", "commit", "--stdin", given=commit.encode()
    )
    plumbing(bare, "update-ref", "refs/heads/main", commit_id)


@pytest.mark.parametrize("name", ["../escape.md", "..", ".git", ".git/config", "a/b.md"])
def test_paths_that_lead_out_of_a_repository_are_refused(
    served: str, site: LocalSite, tmp_path: Path, name: str
) -> None:
    hostile_commit(tmp_path / "served/sea/tides.git", [("100644", name)])
    crawler = crawler_with(tmp_path, AddressPolicy(frozenset({site.host})))
    assert "git: " in only_error(crawler, served).reason
    assert list((tmp_path / "clones").iterdir()) == []


def test_submodules_filters_and_pointers_of_a_clone_do_nothing(
    served: str, site: LocalSite, work_tree: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "ran"
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n"
    files = {
        ".gitattributes": "* filter=evil diff=evil merge=evil export-subst\n",
        ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = {site.url}/hit.git\n',
        ".lfsconfig": f"[lfs]\n\turl = {site.url}/hit\n",
        "model.txt": pointer,
    }
    for path, text in files.items():
        (work_tree / path).write_text(text)
    git(work_tree, "add", "--all", "--force")
    head = plumbing(work_tree, "rev-parse", "HEAD")
    git(work_tree, "update-index", "--add", "--cacheinfo", f"160000,{head},x")
    git(work_tree, "commit", "--quiet", "--message=hostile")
    bare = tmp_path / "served/sea/tides.git"
    git(work_tree, "push", "--quiet", str(bare), "main")
    for hook in ("post-checkout", "reference-transaction"):
        (bare / "hooks").mkdir(exist_ok=True)
        (bare / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {canary}\n")
        (bare / "hooks" / hook).chmod(0o755)
    crawler = crawler_with(tmp_path, AddressPolicy(frozenset({site.host})))
    paths = {document.path for document in documents_of(crawler, Target(url=served))}
    assert paths >= set(READ)
    assert paths.isdisjoint({"model.txt", "x", ".gitmodules"})
    assert not canary.exists()
    assert not [path for path in site.hits if "hit" in path]
