"""Shows what is read from one page: the way to debug a site.

    python -m tools.extract https://example.org/post --json
    python -m tools.extract saved.html --url https://example.org/post

A file may be compressed (`.gz`). Addresses on private networks are refused unless they are allowed.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from lxml import html
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from llm_engineering.domain.errors import (
    ExtractionError,
    FetchError,
    InvalidInput,
    PipelineError,
)
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.decoding import (
    UnsupportedEncoding,
    decode,
    decompressed,
)
from llm_engineering.infrastructure.crawlers.extraction import Extraction, extract
from llm_engineering.infrastructure.crawlers.fetcher import Fetcher
from llm_engineering.infrastructure.crawlers.html_tree import parse
from tools.console import USAGE_ERROR, print_error, print_json, print_result

MAX_BYTES = 10_000_000
_GZIP = b"\x1f\x8b"
_BINARY = (b"%PDF", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"BZh")

app = typer.Typer(add_completion=False)


@app.command(help=__doc__)
def main(
    page: Annotated[str, typer.Argument(metavar="URL|FILE", help="What to read.")],
    url: Annotated[
        str | None, typer.Option("--url", help="Where a file was saved from: links, site, dates.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print data instead of text.")] = False,
    allow_private_host: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST[:PORT]", help="May be on a private network; repeatable."),
    ] = None,
) -> None:
    """Prints the page, or one line that says why there is none."""
    try:
        found = read_page(page, url, frozenset(allow_private_host or ()))
    except PipelineError as error:
        print_error(str(error))
        raise SystemExit(USAGE_ERROR if isinstance(error, InvalidInput) else 1) from None
    if as_json:
        print_json(json.dumps(as_object(found), ensure_ascii=False, indent=2))
    else:
        show(found)


def read_page(page: str, url: str | None, allowed_private_hosts: frozenset[str]) -> Extraction:
    """Returns what a page or saved file says.

    Raises:
        InvalidInput: `page` is neither a web address nor a file.
        DocumentError: it cannot be fetched, read or understood.
    """
    now = datetime.now(UTC)
    if page.lower().startswith(("http://", "https://")):
        with Fetcher(AddressPolicy(allowed_private_hosts)) as fetcher:
            response = fetcher.fetch(page)
        return extract(parse(response.text, response.url), url or response.url, now)
    path = Path(page)
    if not path.is_file():
        raise InvalidInput(f"{page!r} is no file and no address (http:// or https://)")
    tree = parse(decode(read_file(path)), page)
    address = url or _said_address(tree) or path.resolve().as_uri()
    return extract(tree, address, now)


def _said_address(tree: html.HtmlElement) -> str | None:
    """Returns where a saved page says that it is from."""
    said = tree.xpath("//link[@rel='canonical']/@href | //meta[@property='og:url']/@content")
    return next((url for url in said if url.startswith(("http://", "https://"))), None)


def read_file(path: Path) -> bytes:
    """Returns the bytes of a saved page, decompressed.

    Raises:
        FetchError: it cannot be read, or is larger than 10 MB.
        ExtractionError: it is no page.
    """
    name = str(path)
    try:
        body = path.read_bytes()
        if body.startswith(_GZIP):
            body = _inflated(body, name)
    except OSError as error:
        raise FetchError(name, error.strerror or "cannot be read") from error
    except UnsupportedEncoding as error:
        raise FetchError(name, str(error)) from error
    if len(body) > MAX_BYTES:
        raise FetchError(name, f"larger than {MAX_BYTES:,} bytes")
    if body.startswith(_BINARY) or (b"\0" in body[:1024] and not body.startswith(_UTF_16)):
        raise ExtractionError(name, "not HTML but binary data")
    return body


_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def _inflated(body: bytes, name: str) -> bytes:
    whole = bytearray()
    for piece in decompressed([body], "gzip"):
        whole += piece
        if len(whole) > MAX_BYTES:
            raise FetchError(name, f"larger than {MAX_BYTES:,} bytes")
    return bytes(whole)


def as_object(found: Extraction) -> Mapping[str, object]:
    """Returns the fields of a page as data: dates in ISO 8601, what was not found as null."""
    return {
        "title": found.title,
        "author": found.author,
        "published": found.published.isoformat() if found.published else None,
        "modified": found.modified.isoformat() if found.modified else None,
        "language": found.language,
        "canonical_url": found.url,
        "text": found.text,
        "sources": dict(found.sources),
    }


def show(found: Extraction) -> None:
    """Prints the fields with their sources, then the text."""
    console = Console()
    table = Table(box=None, show_header=False)
    for name, value in as_object(found).items():
        if name not in ("text", "sources"):
            source = found.sources.get(name, "")
            table.add_row(name, "" if value is None else str(value), source, style=None)
    console.print(table)
    console.rule(f"text ({found.sources['text']})")
    console.print(Markdown(found.text))
    words = len(found.text.split())
    print_result(
        f"{words} words by {found.author or 'an unknown author'}", "add --json to get this as data"
    )


if __name__ == "__main__":
    app()
