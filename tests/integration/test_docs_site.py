from pathlib import Path

import httpx
import pytest

from llm_engineering.domain.errors import ConfigurationError
from tests.loopback import free_port
from tools.docs_site import docs_site, render


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "tides.md").write_text(
        "# On tides\n\nThe tide *turns*.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    )
    (tmp_path / "pumps.md").write_text("# On pumps\n\nWater.\n")
    return sorted(tmp_path.glob("*.md"))


def test_markdown_becomes_pages_with_titles_tables_and_links(files: list[Path]) -> None:
    pages = render(files)
    assert set(pages) == {"/", "/tides.html", "/pumps.html"}
    tides = pages["/tides.html"].decode()
    assert "<title>On tides</title>" in tides
    assert "<em>turns</em>" in tides
    assert "<table>" in tides
    assert 'href="/pumps.html"' in tides


def test_the_front_page_names_and_links_every_page(files: list[Path]) -> None:
    front = render(files)["/"].decode()
    assert "On tides" in front
    assert 'href="/tides.html"' in front


def test_pages_are_served_while_the_block_runs(files: list[Path]) -> None:
    port = free_port()
    with docs_site(files, port) as url:
        assert url == f"http://127.0.0.1:{port}/"
        page = httpx.get(f"{url}tides.html")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "turns" in page.text
        assert httpx.get(f"{url}none.html").status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_port_in_use_is_told(files: list[Path]) -> None:
    port = free_port()
    with docs_site(files, port):
        second = docs_site(files, port)
        with pytest.raises(ConfigurationError, match="--docs-port"):
            second.__enter__()
