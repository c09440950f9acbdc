"""One genuine mongod for all processes of a folder, and none when nobody uses it."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_engineering.domain.errors import ConfigurationError, StoreUnavailable
from llm_engineering.infrastructure.mongo import embedded, keeper
from llm_engineering.infrastructure.mongo.address import Address
from llm_engineering.infrastructure.mongo.embedded import EmbeddedMongo
from llm_engineering.infrastructure.mongo.locks import FileLock
from llm_engineering.infrastructure.mongo.store import MongoDocumentStore
from tests.contracts.document_making import article
from tests.integration.server_processes import (
    kill,
    listening_ports,
    processes_of,
    wait_until,
    wait_until_gone,
)

ROOT = Path(__file__).parents[2]


class User:
    """Another process that uses the server of a folder."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.integration.mongo_user", str(folder)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def uri(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        self.process.communicate(timeout=60)

    def die(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose server is gone after the test, whatever the test did."""
    yield tmp_path / "data"
    wait_until_gone(tmp_path / "data")


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedMongo]:
    server = EmbeddedMongo(folder)
    yield server
    server.close()


def save(uri: str, name: str = "tides") -> None:
    store = MongoDocumentStore.connect(uri, "pages")
    store.save(article(name))
    store.close()


def titles(uri: str) -> list[str]:
    store = MongoDocumentStore.connect(uri, "pages")
    found = [document.title for document in store.documents()]
    store.close()
    return found


def test_it_ends_with_its_last_user_and_keeps_the_data(folder: Path) -> None:
    for expected in ([], ["On tides"]):
        server = EmbeddedMongo(folder)
        uri = server.start()
        assert titles(uri) == expected
        save(uri)
        assert set(processes_of(folder)) == {"keeper", "mongod"}
        server.close()
        assert processes_of(folder) == {}


def test_it_is_a_replica_set_on_a_private_socket_and_opens_no_port(
    folder: Path, server: EmbeddedMongo
) -> None:
    server.start()
    assert listening_ports(processes_of(folder)["mongod"]) == set()
    socket = Address((folder / "address").read_text()).socket
    assert socket is not None
    assert socket.stat().st_mode & 0o777 == 0o600
    server.close()
    assert not socket.parent.exists()


def test_attaching_is_quick_and_starting_again_changes_nothing(
    folder: Path, server: EmbeddedMongo
) -> None:
    uri = server.start()
    before = processes_of(folder)
    began = time.monotonic()
    other = EmbeddedMongo(folder)
    assert other.start() == uri
    attached_s = time.monotonic() - began
    assert server.start() == uri
    assert processes_of(folder) == before
    other.close()
    assert processes_of(folder) == before
    assert attached_s < 0.5


def test_processes_share_it_and_the_last_one_ends_it(folder: Path, server: EmbeddedMongo) -> None:
    uri = server.start()
    user = User(folder)
    assert user.uri() == uri
    server.close()
    save(uri)
    assert set(processes_of(folder)) == {"keeper", "mongod"}
    user.leave()
    assert processes_of(folder) == {}


def test_processes_that_start_at_the_same_time_start_one_server(folder: Path) -> None:
    users = [User(folder) for _ in range(3)]
    assert len({user.uri() for user in users}) == 1
    assert set(processes_of(folder)) == {"keeper", "mongod"}
    for user in users:
        user.leave()
    assert processes_of(folder) == {}


def test_killing_one_of_two_users_leaves_the_server_to_the_other(
    folder: Path, server: EmbeddedMongo
) -> None:
    uri = server.start()
    before = processes_of(folder)
    user = User(folder)
    user.uri()
    user.die()
    save(uri)
    assert processes_of(folder) == before


def test_killing_the_last_user_ends_the_server(folder: Path) -> None:
    user = User(folder)
    save(user.uri())
    user.die()
    wait_until_gone(folder)


@pytest.mark.parametrize("victim", ["keeper", "mongod"])
def test_a_killed_server_is_brought_back_by_the_next_start(
    folder: Path, server: EmbeddedMongo, victim: str
) -> None:
    save(server.start())
    kill(processes_of(folder)[victim])
    wait_until_gone(folder)  # neither outlives the other
    assert titles(server.start()) == ["On tides"]


@pytest.mark.parametrize("victim", ["keeper", "mongod"])
def test_a_start_just_after_the_kill_works_too(
    folder: Path, server: EmbeddedMongo, victim: str
) -> None:
    save(server.start())
    kill(processes_of(folder)[victim])
    other = EmbeddedMongo(folder)
    wait_until(lambda: titles(other.start()) == ["On tides"])
    other.close()


def test_a_server_that_is_just_going_down_is_waited_for(folder: Path) -> None:
    for number in range(3):
        server = EmbeddedMongo(folder)
        save(server.start(), f"page-{number}")
        server._leave()  # as when the process exits without closing
    server = EmbeddedMongo(folder)
    assert len(titles(server.start())) == 3
    server.close()
    logs = sorted(path.name for path in folder.glob("*.log"))
    assert logs == [keeper.LOG, keeper.PREVIOUS_LOG]  # they do not pile up


def test_stale_files_are_recovered_from(folder: Path) -> None:
    first = EmbeddedMongo(folder)
    save(first.start())
    for pid in processes_of(folder).values():
        kill(pid)
    wait_until_gone(folder)
    first._leave()
    socket = Address((folder / "address").read_text()).socket
    assert socket is not None
    assert socket.exists()
    assert (folder / "db" / "mongod.lock").read_text().strip()
    second = EmbeddedMongo(folder)
    assert titles(second.start()) == ["On tides"]
    second.close()


def test_a_moved_folder_takes_its_data_along(folder: Path, tmp_path: Path) -> None:
    first = EmbeddedMongo(folder)
    here = first.start()
    save(here)
    first.close()
    moved = tmp_path / "moved"
    shutil.move(folder, moved)
    second = EmbeddedMongo(moved)
    there = second.start()
    assert there != here
    assert titles(there) == ["On tides"]
    save(there, "moons")
    second.close()
    wait_until_gone(moved)


def test_loopback_serves_where_sockets_do_not(
    folder: Path, server: EmbeddedMongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(server.start())
    server.close()
    port = 27_000 + hash(folder) % 900
    monkeypatch.setattr(embedded, "new_address", lambda _: Address(f"127.0.0.1:{port}"))
    assert titles(server.start()) == ["On tides"]
    assert listening_ports(processes_of(folder)["mongod"]) == {f"0100007F:{port:04X}"}


def test_a_broken_data_folder_is_told_in_one_line_and_soon(folder: Path) -> None:
    first = EmbeddedMongo(folder)
    save(first.start())
    first.close()
    for name in ("WiredTiger.turtle", "WiredTiger.wt"):
        (folder / "db" / name).write_bytes(b"broken")
    second = EmbeddedMongo(folder)
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="embedded MongoDB") as caught:
        second.start()
    assert "\n" not in str(caught.value)
    assert "WiredTiger" in str(caught.value)
    assert str(folder / keeper.LOG) in str(caught.value)
    assert time.monotonic() - began < 30
    wait_until_gone(folder)


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=str(tmp_path / "file")):
        EmbeddedMongo(tmp_path / "file").start()


def test_a_start_that_hangs_gives_up(folder: Path) -> None:
    folder.mkdir()
    with FileLock(folder / "start.lock") as stuck:
        assert stuck.try_exclusive()
        with pytest.raises(StoreUnavailable, match=r"start\.lock"):
            EmbeddedMongo(folder, timeout_s=0.2).start()


def test_closing_what_was_never_started_does_nothing(folder: Path) -> None:
    EmbeddedMongo(folder).close()
    assert not folder.exists()
