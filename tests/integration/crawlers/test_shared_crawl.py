"""Crawls in processes of their own over one real MongoDB: two at once, and one that is killed."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.integration.crawlers import crawl_worker
from tests.integration.crawlers.local_site import LocalSite
from tests.integration.server_processes import wait_until

ROOT = Path(__file__).parents[3]
PAGES = [f"/{n}" for n in range(30)]
ALL = {"/", *PAGES}
ONCE = dict.fromkeys(ALL, 1)


@pytest.fixture
def pages(site: LocalSite) -> LocalSite:
    """A site whose front page links to ten pages, each of which links to two more."""
    site.article("/", "Start", *PAGES[:10])
    for n, path in enumerate(PAGES):
        site.article(path, f"Page {n}", *(PAGES[10 + 2 * n : 12 + 2 * n] if n < 10 else ()))
    return site


def begin(site: LocalSite, uri: str, name: str, lease_s: float = 15) -> "subprocess.Popen[str]":
    module = crawl_worker.__name__
    return subprocess.Popen(
        [sys.executable, "-m", module, uri, name, site.host, str(lease_s)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def row_of(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    row: dict[str, Any] = json.loads(out)["rows"][0]
    return row


def hits(site: LocalSite) -> dict[str, int]:
    return {path: site.hits[path] for path in ALL}


def test_two_processes_share_one_crawl_and_do_no_page_twice(
    pages: LocalSite, mongo_uri: str, mongo_name: str
) -> None:
    gate = threading.Event()
    front = pages.pages["/"]

    def when_both_wait(request: BaseHTTPRequestHandler) -> None:
        gate.wait(30)
        front(request)

    pages.pages["/"] = when_both_wait
    both = [begin(pages, mongo_uri, mongo_name) for _ in range(2)]
    wait_until(lambda: pages.hits["/"])
    gate.set()
    rows = [row_of(process) for process in both]
    assert hits(pages) == ONCE
    assert sum(row["new"] for row in rows) == len(ALL)
    assert sum(row["failed"] + row["unchanged"] for row in rows) == 0


def test_a_killed_crawl_goes_on_where_it_was(
    pages: LocalSite, mongo_uri: str, mongo_name: str
) -> None:
    released = threading.Event()
    stuck = pages.pages["/20"]

    def wait_and_answer(request: BaseHTTPRequestHandler) -> None:
        released.wait(30)
        stuck(request)

    pages.pages["/20"] = wait_and_answer
    killed = begin(pages, mongo_uri, mongo_name, lease_s=1)
    wait_until(lambda: pages.hits["/20"] and len(pages.hits) > 20)
    killed.kill()
    killed.communicate()
    released.set()
    before = hits(pages)
    row = row_of(begin(pages, mongo_uri, mongo_name, lease_s=1))
    again = {path for path in ALL if before[path] and hits(pages)[path] > before[path]}
    assert "/20" in again, "it was not finished"
    assert len(again) <= 4, "no more than was under way"
    assert row["new"] + row["unchanged"] == len(ALL) - (sum(before.values()) - len(again))
    assert set(hits(pages).values()) == {1, 2}
    # and a run after that one is a new round
    row = row_of(begin(pages, mongo_uri, mongo_name))
    assert (row["new"], row["unchanged"], row["failed"]) == (0, len(ALL), 0)


def test_a_new_process_waits_for_none_of_what_a_stopped_one_gave_back(
    pages: LocalSite, mongo_uri: str, mongo_name: str
) -> None:
    """Ctrl-C: the leases of 15 minutes are given back at once."""
    released = threading.Event()
    stuck = pages.pages["/5"]

    def wait_and_answer(request: BaseHTTPRequestHandler) -> None:
        released.wait(30)
        stuck(request)

    pages.pages["/5"] = wait_and_answer
    stopped = begin(pages, mongo_uri, mongo_name, lease_s=900)
    wait_until(lambda: pages.hits["/5"])
    stopped.send_signal(2)
    wait_until(lambda: _gives_back(mongo_uri, mongo_name))
    stopped.kill()
    stopped.communicate()
    released.set()
    row_of(begin(pages, mongo_uri, mongo_name, lease_s=900))
    assert set(hits(pages).values()) <= {1, 2}


def _gives_back(uri: str, name: str) -> bool:
    from pymongo import MongoClient

    with MongoClient[dict[str, Any]](uri) as client:
        return client[name]["frontier"].count_documents({"state": "leased"}) == 0
