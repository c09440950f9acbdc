"""A site of generated pages, as a process of its own: `python -m benchmarks.crawl_site PAGES`.

Page n links to its neighbours, to ten pages further on (so that all are reached in few steps), and
to forty pages that stand in every page's navigation. Prints its port.
"""

import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_NAVIGATION = 40
_WORDS = ("tide", "ebb", "flow", "moon", "harbour", "pilot", "channel", "buoy", "anchor")


def page(number: int, pages: int) -> str:
    """Returns the HTML of a page."""
    ahead = range(10 * number + 1, 10 * number + 11)
    linked = [number - 1, number + 1, *ahead, *range(_NAVIGATION)]
    anchors = "".join(f'<li><a href="/{n}">Page {n}</a></li>' for n in linked if 0 <= n < pages)
    words = " ".join(_WORDS[(number * 7 + k * (1 + number % 11)) % len(_WORDS)] for k in range(120))
    prose = "".join(f"<p>Part {part} of page {number}: {words}.</p>" for part in range(4))
    return (
        f"<html lang='en'><head><title>Page {number}</title></head><body><nav><ul>{anchors}</ul>"
        f"</nav><main><h1>Page {number}</h1>{prose}</main></body></html>"
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages = 0

    def handle(self) -> None:
        with suppress(ConnectionResetError, BrokenPipeError):  # the crawl ended
            super().handle()

    def do_GET(self) -> None:
        name = self.path.lstrip("/") or "0"
        known = name.isdigit() and int(name) < self.pages
        body = page(int(name), self.pages).encode() if known else b"no such page"
        tag = f'"{name}"'
        unchanged = known and self.headers.get("If-None-Match") == tag
        self.send_response_only(304 if unchanged else 200 if known else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("ETag", tag)
        if not unchanged:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not unchanged:
            self.wfile.write(body)


def main() -> None:
    """Serves until it is ended."""
    _Handler.pages = int(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
