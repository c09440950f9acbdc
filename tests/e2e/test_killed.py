"""Commands that are killed, stopped by Ctrl-C, started twice: nothing is lost or doubled."""

import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from uuid import UUID

import pytest
from pymongo import MongoClient

from llm_engineering.application.preprocessing.indexing import is_whole
from llm_engineering.infrastructure.mongo.embedded import EmbeddedMongo
from llm_engineering.infrastructure.qdrant.edge import EdgeChunkIndex
from tests.e2e.site import put_article, put_index
from tests.e2e.workplace import Workplace, error_of, finished
from tests.integration.crawlers.local_site import LocalSite, serve_site
from tests.integration.server_processes import kill, processes_of, wait_until, wait_until_gone

PAGES = 24
DOCUMENTS = PAGES + 1  # and the front page
AT_ONCE = 8  # pages under way
KILL = -signal.SIGKILL


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A workplace without any data yet; the tests run in their order."""
    with serve_site() as site:
        for n in range(PAGES):
            paragraphs = [
                f"Chapter {part} of volume {n} tells of a voyage to island {n * 31 + part}. " * 12
                for part in range(5)
            ]
            put_article(site, f"/{n}.html", f"Volume {n}", paragraphs)
        put_index(site)
        yield Workplace(tmp_path_factory.mktemp("killed"), site)


@contextmanager
def stuck(site: LocalSite, path: str) -> Iterator[None]:
    """A page that does not answer during the block, so that the crawl waits for it."""
    answer, released = site.pages[path], threading.Event()

    def wait_and_answer(request: BaseHTTPRequestHandler) -> None:
        released.wait(60)
        answer(request)

    site.pages[path] = wait_and_answer
    try:
        yield
    finally:
        released.set()
        site.pages[path] = answer


def acknowledged(place: Workplace) -> Mapping[UUID, str]:
    """Returns the documents that the server has in its journal, and their revisions."""
    server = EmbeddedMongo(place.data / "mongo")
    try:
        uri = f"{server.start()}&uuidRepresentation=standard&readConcernLevel=majority"
        with MongoClient[dict[str, Any]](uri) as client:
            found = client["llm_pipeline"]["documents"].find({}, {"current": 1})
            return {one["_id"]: one["current"] for one in found}
    finally:
        server.close()


def begin_etl(place: Workplace) -> "subprocess.Popen[str]":
    return place.begin("tools.run", "etl", "--config", place.site_config(), "--json")


def begin_feature(place: Workplace) -> "subprocess.Popen[str]":
    config = place.config("feature.yaml", {"batch_size": 8, "commit_documents": 5})
    return place.begin("tools.run", "feature", "--config", config, "--json")


def snapshots(place: Workplace) -> set[int]:
    """Returns the numbers of the index snapshots that were published."""
    folders = (place.data / "qdrant").glob("chunks-*/*/manifest.json")
    return {int(path.parent.name) for path in folders if path.parent.name.isdecimal()}


def check_index(place: Workplace) -> None:
    """Fails unless the index holds every document once and whole."""
    index = EdgeChunkIndex(place.data / "qdrant")
    try:
        live = index.live()
        assert live
        held = index.indexed(live)
        documents = acknowledged(place)
        assert held.keys() == documents.keys()
        assert all(is_whole(held[document], documents[document]) for document in documents)
        assert index.count(live) == sum(held[document][0].total for document in documents)
    finally:
        index.close()


def test_ctrl_c_while_crawling(place: Workplace) -> None:
    with stuck(place.site, "/7.html"):
        crawling = begin_etl(place)
        wait_until(lambda: place.site.hits["/7.html"])
        crawling.send_signal(signal.SIGINT)
        wait_until(lambda: crawling.poll() is not None, 15)
    done = finished(crawling)
    assert done.returncode == 130
    assert error_of(done).startswith("stopped")
    wait_until_gone(place.data / "mongo")


def test_kill_9_while_crawling_loses_no_acknowledged_document(place: Workplace) -> None:
    with stuck(place.site, "/20.html"):
        crawling = begin_etl(place)
        wait_until(lambda: place.site.hits["/20.html"])
        wait_until(lambda: len(acknowledged(place)) > PAGES // 2)
        before = acknowledged(place)
        crawling.kill()
        kill(processes_of(place.data / "mongo")["mongod"])
        assert crawling.wait() == KILL
    crawling.communicate()
    wait_until_gone(place.data / "mongo")
    after = acknowledged(place)
    assert before.items() <= after.items()
    assert len(after) < DOCUMENTS

    place.site.hits.clear()
    (row,) = place.crawl()["rows"]
    assert row["new"] == DOCUMENTS - len(after)
    assert row["unchanged"] <= AT_ONCE, "stored, but not noted as done before the kill"
    assert sum(place.site.hits.values()) <= DOCUMENTS - len(after) + AT_ONCE + 1, "and robots.txt"


def test_kill_9_while_indexing(place: Workplace) -> None:
    indexing = begin_feature(place)
    wait_until(lambda: snapshots(place) - {1}, 60)
    indexing.kill()
    assert indexing.wait() == KILL
    indexing.communicate()
    wait_until_gone(place.data / "mongo")


def test_ctrl_c_while_indexing_and_two_at_once(place: Workplace) -> None:
    published = max(snapshots(place))
    indexing = begin_feature(place)
    wait_until(lambda: max(snapshots(place)) > published, 60)
    indexing.send_signal(signal.SIGINT)
    done = finished(indexing)
    assert done.returncode == 130
    assert error_of(done).startswith("stopped")
    wait_until_gone(place.data / "mongo")

    both = [finished(process) for process in [begin_feature(place), begin_feature(place)]]
    assert min(done.returncode for done in both) == 0
    for done in both:
        if done.returncode:
            assert done.returncode == 1
            assert "is being written by process" in error_of(done)
    check_index(place)
    assert place.index()["documents_changed"] == 0
    wait_until_gone(place.data / "mongo")
