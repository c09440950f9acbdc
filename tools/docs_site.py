"""The project's own documentation as web pages on loopback, for the crawler to crawl."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from markdown_it import MarkdownIt

from llm_engineering.domain.errors import ConfigurationError

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="author" content="LLM Pipeline System contributors"></head>
<body><nav>{links}</nav><main>{body}</main></body></html>"""


def render(files: Sequence[Path]) -> dict[str, bytes]:
    """Returns the HTML of Markdown files, and of a front page, by their path on the site."""
    markdown = MarkdownIt("commonmark").enable("table")
    links = " ".join(f'<a href="/{file.stem}.html">{file.stem}</a>' for file in files)
    pages, titles = {}, []
    for file in files:
        text = file.read_text(encoding="utf-8")
        title = text.partition("\n")[0].lstrip("# ")
        titles.append(title)
        html = PAGE.format(title=title, links=links, body=markdown.render(text))
        pages[f"/{file.stem}.html"] = html.encode()
    front = f"<h1>Documentation</h1><p>Pages of this site: {', '.join(titles)}.</p>"
    pages["/"] = PAGE.format(title="Documentation", links=links, body=front).encode()
    return pages


class _Pages(BaseHTTPRequestHandler):
    def __init__(self, pages: dict[str, bytes], *connection: object) -> None:
        self._pages = pages
        super().__init__(*connection)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        body = self._pages.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *arguments: object) -> None:
        """Keeps the bars clean."""


@contextmanager
def docs_site(files: Sequence[Path], port: int) -> Iterator[str]:
    """Serves Markdown files as pages while the block runs; gives the URL of the first one.

    The port is fixed, so that a second run finds the same documents.

    Raises:
        ConfigurationError: the port is in use.
    """
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Pages, render(files)))
    except OSError as error:
        raise ConfigurationError(f"port {port}: {error.strerror}; pass --docs-port") from error
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
