"""The command as a user runs it, on a page from a real server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.docs_site import docs_site

ROOT = Path(__file__).parents[2]
PORT = 8791

pytestmark = pytest.mark.integration


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    file = tmp_path / "tides.md"
    file.write_text("# Tides\n\nThe tide comes in twice a day and goes out again.\n")
    with docs_site([file], PORT) as url:
        yield f"{url}tides.html"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.extract", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_page_of_an_allowed_private_host(page: str) -> None:
    done = run(page, "--json", "--allow-private-host", f"127.0.0.1:{PORT}")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["title"] == "Tides"
    assert found["author"] == "LLM Pipeline System contributors"
    assert found["canonical_url"] == page
    assert "twice a day" in found["text"]


def test_private_hosts_are_refused(page: str) -> None:
    done = run(page)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "not a public address" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_page_that_is_not_there_is_told(page: str) -> None:
    done = run(f"{page}x", "--json", "--allow-private-host", "127.0.0.1")
    assert done.returncode == 1
    assert "404" in done.stderr
