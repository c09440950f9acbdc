"""A page that attacks the machine which reads it, in real Chromium."""

import socket
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote, urlsplit

from llm_engineering.infrastructure.browser.driver import BrowserDriver
from tests.integration.browser.conftest import Reach
from tests.integration.browser.hostile_page import hostile_page, service_worker
from tests.integration.browser.victim import Victim, listening_victim
from tests.integration.crawlers.local_site import LocalSite, answer, serve_site

HOSTS = ["127.0.0.1", "[::1]", "rebind.test"]
SPELLINGS = [
    *("localhost", "a.localhost", "127.1", "0x7f.1", "2130706433", "0", "[::]"),
    "[::ffff:127.0.0.1]",
]


def wait_for(victim: Victim, count: int) -> None:
    deadline = time.monotonic() + 5
    while len(victim.hits) < count and time.monotonic() < deadline:
        time.sleep(0.01)


def redirect(request: BaseHTTPRequestHandler) -> None:
    answer(b"", {"Location": unquote(urlsplit(request.path).query)}, 307)(request)


def test_no_way_out_of_a_hostile_page_reaches_loopback(
    browser: BrowserDriver, reach: Reach, site: LocalSite, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the canary sings")
    with listening_victim() as victim, serve_site() as friend:
        reach.allowed.add(friend.host)
        reach.names["rebind.test"] = ["93.184.216.34", "127.0.0.1"]
        friend.add("/pixel", b"GIF89a", Content_Type="image/gif")
        page = hostile_page(HOSTS, SPELLINGS, victim.port, secret.as_uri())
        site.add("/", page.replace("<p>", f"<img src='{friend.url}/pixel'><p>"))
        site.add("/worker.js", service_worker(HOSTS, victim.port), Content_Type="text/javascript")
        site.pages["/redirect"] = redirect
        with browser.page() as opened:
            found = opened.open(f"{site.url}/", wait_for="#done")
        assert "harmless words" in found.html
        assert "attempts</div>" in found.html
        assert "the canary sings" not in found.html
        assert site.hits["/worker.js"] == 1, "the service worker was there"
        assert site.hits["/redirect"] == 4 * len(HOSTS), "the redirects were followed"
        assert friend.hits["/pixel"] == 1, "what is allowed does work"
        assert victim.hits == []


def test_the_victim_counts_what_reaches_it() -> None:
    with listening_victim() as victim:
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"x", (host, victim.port))
            socket.create_connection((host, victim.port)).close()
            wait_for(victim, 2 if family == socket.AF_INET else 4)
    assert sorted(victim.hits) == [
        *("AF_INET SOCK_DGRAM", "AF_INET SOCK_STREAM"),
        *("AF_INET6 SOCK_DGRAM", "AF_INET6 SOCK_STREAM"),
    ]
