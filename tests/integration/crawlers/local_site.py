"""A real HTTP site on loopback whose pages are functions of the test."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.loopback import QuietHandler, listening

Answer = Callable[[BaseHTTPRequestHandler], None]


class LocalSite:
    """Answers with `pages`; counts the requests of each path in `hits`."""

    def __init__(self) -> None:
        self.url = ""
        self.pages: dict[str, Answer] = {}
        self.hits: Counter[str] = Counter()
        self.agents: set[str] = set()
        self.connections = 0
        self.cookies: list[str] = []

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    def add(self, path: str, body: str | bytes = "", **header: str) -> None:
        """Puts a page there; header names are spelled with `_` for `-`."""
        self.pages[path] = answer(body, header)

    def article(self, path: str, title: str, *hrefs: str, head: str = "") -> None:
        """Puts an article with links there."""
        anchors = "".join(f'<li><a href="{href}">to {href}</a></li>' for href in hrefs)
        prose = f"<p>{title} is told here in a few plain sentences, long enough to be an article. "
        self.add(
            path,
            f"<html lang='en'><head><title>{title}</title>{head}</head><body><main><h1>{title}</h1>"
            f"{prose * 3}</p></main><ul>{anchors}</ul></body></html>",
        )

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        """Sends visitors elsewhere."""
        self.pages[path] = answer(b"", {"Location": to}, status)

    def in_turn(self, path: str, *answers: Answer) -> None:
        """Answers each request in its own way."""
        waiting = iter(answers)

        def send(request: BaseHTTPRequestHandler) -> None:
            next(waiting)(request)

        self.pages[path] = send

    def status(self, path: str, status: int, **header: str) -> None:
        """Answers with a status."""
        self.pages[path] = answer(b"no", header, status)


def answer(body: str | bytes, header: Mapping[str, str], status: int = 200) -> Answer:
    data = body.encode() if isinstance(body, str) else body
    headers = {"Content_Type": "text/html; charset=utf-8", "Content_Length": str(len(data))}

    def send(request: BaseHTTPRequestHandler) -> None:
        request.send_response_only(status)
        for name, value in {**headers, **header}.items():
            if value:
                request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(data)

    return send


@contextmanager
def serve_site() -> Iterator[LocalSite]:
    """Serves on a free port of loopback for the length of a block."""
    site = LocalSite()

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def setup(self) -> None:
            super().setup()
            site.connections += 1

        def answer(self) -> None:
            path = self.path if self.path in site.pages else urlsplit(self.path).path
            site.hits[path] += 1
            site.agents.add(self.headers.get("User-Agent", ""))
            site.cookies.append(self.headers.get("Cookie", ""))
            try:
                site.pages.get(path, answer(b"no such page", {}, 404))(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client had enough

    with listening(Handler) as site.url:
        yield site
