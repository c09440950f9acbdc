from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.repository import RepositoryCrawler
from tests.integration.crawlers.git_serving import crawler_with, git, through_git
from tests.integration.crawlers.local_site import LocalSite, serve_site


@pytest.fixture
def site() -> Iterator[LocalSite]:
    with serve_site() as running:
        yield running


@pytest.fixture
def work_tree(tmp_path: Path) -> Path:
    """A repository with one file of every kind, and a symbolic link out of it."""
    root = tmp_path / "tides"
    files = {
        "README.md": b"# Tides\n",
        "a/first.py": b"def high():\r\n    return 1\r\n",
        "docs/README.md": b"# Docs\n",
        "Makefile": b"all:\n\ttrue\n",
        "logo.png": b"\x89PNG\0",
        "binary.txt": b"a\0b",
        "empty/__init__.py": b"\n",
        "package-lock.json": b"{}",
        "poetry.lock": b"x",
        "app.min.js": b"x",
        "squeezed.js": b"x" * 6_000,
        "node_modules/left/pad.js": b"x",
        "large.txt": b"many words\n" * 1_000,
        "höhe.txt": "größer".encode(),
        "latin.txt": "größer".encode("latin-1"),
        ".gitignore": b"ignored.txt\n",
    }
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    outside = tmp_path / "secret.txt"
    outside.write_text("secret")
    (root / "link.txt").symlink_to(outside)
    (root / "linked").symlink_to(tmp_path)
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=first")
    (root / "ignored.txt").write_text("ignored")
    (root / "untracked.txt").write_text("untracked")
    return root


@pytest.fixture
def crawler(tmp_path: Path) -> RepositoryCrawler:
    return crawler_with(tmp_path, AddressPolicy())


@pytest.fixture
def served(site: LocalSite, work_tree: Path, tmp_path: Path) -> str:
    """The repository behind git's own HTTP server program; returns its address."""
    bare = tmp_path / "served" / "sea" / "tides.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(work_tree), str(bare))
    for method, path in (("GET", "/info/refs"), ("POST", "/git-upload-pack")):
        site.pages[f"/sea/tides.git{path}"] = through_git(tmp_path / "served", method)
    return f"{site.url}/sea/tides.git"
