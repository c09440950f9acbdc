import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tools.extract import MAX_BYTES, app

PAGES = Path(__file__).parents[2] / "data" / "pages"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def read(*arguments: object) -> dict[str, object]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def saved(folder: Path, body: bytes | str, name: str = "page.html") -> Path:
    file = folder / name
    file.write_bytes(body if isinstance(body, bytes) else body.encode())
    return file


def test_a_saved_page_as_data() -> None:
    found = read(PAGES / "article.html", "--url", "https://blog.example/p")
    assert list(found) == [
        *("title", "author", "published", "modified", "language", "canonical_url"),
        *("text", "sources"),
    ]
    assert found["title"] == "How tides work"
    assert found["author"] == "Mary Somerville"
    assert found["published"] == "2024-03-09T08:00:00+00:00"
    assert found["modified"] is None
    assert found["canonical_url"] == "https://blog.example/posts/how-tides-work"
    assert "## The moon's pull" in str(found["text"])
    assert found["sources"]["author"] == "meta author"  # type: ignore[index]


def test_a_saved_page_to_read() -> None:
    result = run(PAGES / "article.html")
    assert result.exit_code == 0
    for shown in ("How tides work", "Mary Somerville", "meta author", "Saint-Malo", "--json"):
        assert shown in result.stdout


def test_compressed_pages_are_read(tmp_path: Path) -> None:
    body = gzip.compress((PAGES / "article.html").read_bytes())
    assert read(saved(tmp_path, body, "page.html.gz"))["title"] == "How tides work"
    assert read(saved(tmp_path, body, "no-suffix"))["title"] == "How tides work"


def test_a_saved_page_may_say_where_it_is_from(tmp_path: Path) -> None:
    link = '<link rel="canonical" href="https://blog.example/a">'
    page = f'{link}<p>See <a href="b">more waves</a> here.'
    found = read(saved(tmp_path, page))
    assert found["canonical_url"] == "https://blog.example/a"
    assert "[more waves](https://blog.example/b)" in str(found["text"])
    nowhere = read(saved(tmp_path, "<p>water comes and goes</p>"))
    assert str(nowhere["canonical_url"]).startswith("file:///")


@pytest.mark.parametrize("charset", ["windows-1252", "utf-8", "utf-16"])
def test_charsets(tmp_path: Path, charset: str) -> None:
    page = f"<meta charset={charset}><title>Straße</title><p>Die Straße ist „schön“.</p>"
    found = read(saved(tmp_path, page.encode(charset)))
    assert (found["title"], found["text"]) == ("Straße", "Die Straße ist „schön“.")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the page is empty"),
        (b"  \n", "the page is empty"),
        (b"%PDF-1.7 ...", "not HTML but binary data"),
        (b"\x7fELF\x00\x00", "not HTML but binary data"),
        (b"a\0b\0c", "not HTML but binary data"),
        (b"<html><body><p></p></body></html>", "no text on the page"),
        (b"\x1f\x8bnot really gzip", "damaged gzip data"),
        (gzip.compress(b"x" * (MAX_BYTES + 1)), "larger than 10,000,000 bytes"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_a_status(
    tmp_path: Path, body: bytes, reason: str
) -> None:
    file = saved(tmp_path, body)
    result = run(file, "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert line.endswith(f"{file}: {reason}")


def test_a_page_that_is_nowhere_is_a_wrong_call(tmp_path: Path) -> None:
    for page in (tmp_path / "none.html", tmp_path, "ftp://x.example/a", "file:///etc/passwd"):
        result = run(page)
        assert result.exit_code == 2
        assert "is no file and no address (http:// or https://)" in result.stderr


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    file = saved(tmp_path, "<p>x")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    result = run(file)
    assert (result.exit_code, result.stderr.strip()) == (1, f"error: {file}: Permission denied")
