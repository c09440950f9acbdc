"""A small real web site on loopback, whose pages a test can change while it runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html><html lang="en"><head><title>{title}</title>
<meta name="author" content="{author}">
<meta property="article:published_time" content="2026-03-04T10:00:00+00:00"></head>
<body><nav><a href="/">home</a></nav><article><h1>{title}</h1>{body}</article></body></html>"""


class Site:
    """Pages by path; what is not there is a 404."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.url = ""

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def article(self, path: str, title: str, paragraphs: list[str], author: str) -> None:
        body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
        self.pages[path] = PAGE.format(title=title, author=author, body=body)

    def index(self, *extra: str) -> None:
        """Makes the front page: a link to every article, and to `extra` paths."""
        links = "".join(f'<li><a href="{path}">{path}</a></li>' for path in (*self.pages, *extra))
        text = "<p>Notes on ships and gardens, written by hand and kept for years.</p>"
        self.pages["/"] = PAGE.format(
            title="Front", author="Ada Lovelace", body=f"{text}<ul>{links}</ul>"
        )


@contextmanager
def served_site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = site.pages.get(self.path)
            body = (page or "not here").encode()
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
