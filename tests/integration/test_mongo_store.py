"""What only the real MongoDB can show: kills, races, outages and limits."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pymongo import MongoClient

from llm_engineering.domain.documents import Document, Tombstone, UserDocument
from llm_engineering.domain.errors import (
    ConfigurationError,
    DocumentError,
    IntegrityError,
    StoreUnavailable,
)
from llm_engineering.domain.types import SaveOutcome
from llm_engineering.infrastructure.mongo.embedded import EmbeddedMongo
from llm_engineering.infrastructure.mongo.store import MongoDocumentStore
from tests.contracts.document_making import NOON, article, cleaned_of
from tests.integration.server_processes import kill, processes_of, wait_until_gone

ROOT = Path(__file__).parents[2]
SECRET = "canary7391"  # noqa: S105 - it guards nothing


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    wait_until_gone(tmp_path / "data")


def writer(folder: Path, name: str, *limit: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.mongo_user", str(folder), name, *limit]
    # the writer that loses its server says so on stderr, which is not this test's business
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def acknowledged(process: subprocess.Popen[str]) -> list[tuple[UUID, str]]:
    """Returns what was printed as saved; a line that the kill cut short does not count."""
    printed, _ = process.communicate(timeout=60)
    lines = [line.split() for line in printed.splitlines(keepends=True) if line.endswith("\n")]
    return [(UUID(line[0]), line[1]) for line in lines if len(line) == 2]


@pytest.mark.parametrize("victim", ["writer", "mongod", "keeper"])
def test_a_kill_at_any_moment_loses_no_acknowledged_document(folder: Path, victim: str) -> None:
    seed = int(os.environ.get("KILL_SEED", time.time_ns() % 1_000_000))
    print(f"KILL_SEED={seed}")  # noqa: T201 - to have the same moment again
    process = writer(folder, "first")
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(random.Random(seed).uniform(0.05, 1.5))  # noqa: S311 - no secret
    kill(process.pid if victim == "writer" else processes_of(folder)[victim])
    saved = acknowledged(process)

    server = EmbeddedMongo(folder)
    store = MongoDocumentStore.connect(server.start(), "killed")
    for document_id, revision in saved:
        loaded = store.revision(document_id, revision)
        assert loaded is not None, f"{revision} was acknowledged and is lost"
        assert loaded.raw == b"x" * 5000
    for document_id in {document_id for document_id, _ in saved}:
        last = [revision for known, revision in saved if known == document_id][-1]
        # the kill may have come after the write and before its acknowledgement
        assert last in store.revisions(document_id)[-2:]
    assert len(list(store.documents())) == len(store.current_revisions())
    store.close()
    server.close()


def test_what_a_killed_save_left_behind_is_not_seen_and_is_completed_later(
    document_store: MongoDocumentStore,
) -> None:
    document = article(author="Ada Lovelace", raw=b"raw")
    document_store._store_contents(document)  # and killed before the last write
    assert document_store.current(document.id) is None
    assert document_store.revision(document.id, document.revision) is None
    assert document_store.revisions(document.id) == []
    assert list(document_store.documents()) == []
    assert document_store.counts()["revisions"] == 0
    assert document_store.save(document) is SaveOutcome.NEW
    assert document_store.current(document.id) == document


def test_processes_that_save_the_same_documents_at_once_all_succeed(folder: Path) -> None:
    server = EmbeddedMongo(folder)
    uri = server.start()
    writers = [writer(folder, name, "60") for name in ("first", "second", "third")]
    saved = [one for process in writers for one in acknowledged(process)]
    assert [process.returncode for process in writers] == [0, 0, 0]
    store = MongoDocumentStore.connect(uri, "killed")
    assert len(saved) == 180
    assert store.counts()["revisions"] == 180
    for document_id, current in store.current_revisions().items():
        revisions = store.revisions(document_id)
        assert set(revisions) == {revision for known, revision in saved if known == document_id}
        assert len(set(revisions)) == len(revisions) == 60
        assert current in revisions
    store.close()
    server.close()


def test_processes_that_save_the_same_revision_at_once_make_one(folder: Path) -> None:
    server = EmbeddedMongo(folder)
    uri = server.start()
    writers = [writer(folder, "same", "30") for _ in range(3)]
    for process in writers:
        acknowledged(process)
    assert [process.returncode for process in writers] == [0, 0, 0]
    store = MongoDocumentStore.connect(uri, "killed")
    assert store.counts()["revisions"] == 30
    store.close()
    server.close()


TOMBSTONE = Tombstone(id=article().id, of="document", at=NOON)

CALLS: dict[str, Callable[[MongoDocumentStore], object]] = {
    "save": lambda store: store.save(article("new")),
    "current": lambda store: store.current(article().id),
    "revision": lambda store: store.revision(article().id, "0" * 64),
    "revisions": lambda store: store.revisions(article().id),
    "current_revisions": lambda store: store.current_revisions(),
    "documents": lambda store: list(store.documents()),
    "save_cleaned": lambda store: store.save_cleaned(cleaned_of(article(), "text")),
    "save_all_cleaned": lambda store: store.save_all_cleaned([cleaned_of(article(), "text")]),
    "contents": lambda store: store.contents({article().id: "0" * 64}),
    "cleaned": lambda store: store.cleaned(article().id, "0" * 64),
    "cleaned_texts": lambda store: store.cleaned_texts({article().id: "0" * 64}),
    "users": lambda store: store.users(),
    "add_user": lambda store: store.add_user(UserDocument.named("Ada")),
    "mark_gone": lambda store: store.mark_gone(article().id, NOON, "HTTP 404"),
    "written_by": lambda store: store.written_by("Ada"),
    "url": lambda store: store.url(article().id),
    "solely_by": lambda store: store.solely_by([article().id]),
    "held": lambda store: store.held([article().id], []),
    "delete": lambda store: store.delete([article().id], []),
    "bury": lambda store: store.bury([TOMBSTONE]),
    "tombstones": lambda store: store.tombstones(),
    "unbury": lambda store: store.unbury([article().id]),
    "counts": lambda store: store.counts(),
    "ping": lambda store: store.ping(),
}


def test_an_outage_is_an_error_of_every_call_and_never_empty(folder: Path) -> None:
    server = EmbeddedMongo(folder)
    store = MongoDocumentStore.connect(server.start(), "pages", timeout_s=0.2)
    store.save(article())
    kill(processes_of(folder)["mongod"])
    for name, call in CALLS.items():
        with pytest.raises(StoreUnavailable) as caught:
            call(store)
        assert "\n" not in str(caught.value), name
    server.start()
    assert store.current(article().id) == article()  # the same store goes on
    store.close()
    server.close()


def test_a_document_that_is_too_large_is_refused_by_its_url_and_nothing_is_left(
    document_store: MongoDocumentStore,
) -> None:
    document = article(content="x" * (17 * 2**20))
    with pytest.raises(DocumentError, match=r"https://example.org/tides: larger than the 16 MiB"):
        document_store.save(document)
    assert document_store.current(document.id) is None
    assert document_store.counts()["revisions"] == 0


def test_a_cleaned_text_that_is_too_large_among_others_is_refused(
    document_store: MongoDocumentStore,
) -> None:
    small, large = article("small"), article("large")
    texts = [cleaned_of(small, "text"), cleaned_of(large, "x" * (17 * 2**20))]
    with pytest.raises(DocumentError, match=r"larger than the 16 MiB"):
        document_store.save_all_cleaned(texts)
    assert document_store.cleaned(large.id, large.revision) is None


def test_raw_bytes_too_large_even_compressed_are_refused_by_their_url(
    document_store: MongoDocumentStore,
) -> None:
    document = article(raw=os.urandom(17 * 2**20))
    with pytest.raises(DocumentError, match=r"https://example.org/tides: larger than the 16 MiB"):
        document_store.save(document)
    assert document_store.current(document.id) is None


def test_large_raw_bytes_that_compress_well_are_kept(document_store: MongoDocumentStore) -> None:
    document = article(raw=b"<p>tide</p>" * 3_000_000)  # 33 MB
    document_store.save(document)
    loaded = document_store.current(document.id)
    assert loaded is not None
    assert loaded.raw == document.raw


def test_a_wrong_password_is_refused_without_showing_it(mongo_uri: str) -> None:
    uri = mongo_uri.replace("mongodb://", f"mongodb://reader:{SECRET}@")
    with pytest.raises(ConfigurationError, match="user name or password") as caught:
        MongoDocumentStore.connect(uri, "pages")
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.__cause__)


def test_connecting_twice_makes_the_indexes_once(mongo_uri: str) -> None:
    database = f"test_{uuid4().hex[:12]}"
    for _ in range(2):
        MongoDocumentStore.connect(mongo_uri, database).close()
    with MongoClient[dict[str, object]](mongo_uri) as client:
        assert len(client[database]["documents"].index_information()) == 2
        client.drop_database(database)


def test_a_revision_whose_content_is_gone_is_told_and_not_skipped(
    document_store: MongoDocumentStore,
) -> None:
    document = article()
    document_store.save(document)
    document_store._revisions.delete_many({})
    with pytest.raises(IntegrityError, match="no content"):
        document_store.current(document.id)
    with pytest.raises(IntegrityError, match="no content"):
        list(document_store.documents())


def test_what_is_forgotten_while_it_is_saved_is_taken_back(
    document_store: MongoDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = article(raw=b"raw")
    document_store.save(article(content="Before.", raw=b"before"))
    make_current = document_store._make_current

    def forgotten_meanwhile(saved: Document) -> SaveOutcome:
        document_store.bury([TOMBSTONE])
        return make_current(saved)

    monkeypatch.setattr(document_store, "_make_current", forgotten_meanwhile)
    assert document_store.save(document) is SaveOutcome.FORGOTTEN
    kept = (document_store._documents, document_store._revisions, document_store._raw)
    assert [collection.count_documents({}) for collection in kept] == [0, 0, 0]


def test_only_the_contents_of_that_document_are_deleted(
    document_store: MongoDocumentStore,
) -> None:
    pages = [article(f"page-{number}", raw=b"raw") for number in range(30)]
    for page in pages:
        document_store.save(page)
        document_store.save_cleaned(cleaned_of(page, "text"))
    document_store.delete([pages[7].id], [])
    assert document_store.counts() == {
        "users": 0,
        "cleaned": 29,
        "revisions": 29,
        "gone": 0,
        "articles": 29,
        "posts": 0,
        "repositories": 0,
    }
    assert document_store._raw.count_documents({}) == 29


def test_the_time_of_the_last_visit_is_kept(document_store: MongoDocumentStore) -> None:
    for days in (0, 5, 2):
        document_store.save(article(days=days))
    known = document_store._documents.find_one({"_id": article().id})
    assert known is not None
    assert known["visited_at"].day == 6
