import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_engineering.infrastructure.mongo.address import Address, _name, new_address


@pytest.fixture(autouse=True)
def _nothing_left_behind(tmp_path: Path) -> Iterator[None]:
    yield
    shutil.rmtree(Path("/tmp") / _name(tmp_path), ignore_errors=True)


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short runtime folder: the paths of pytest are longer than a socket's may be."""
    with tempfile.TemporaryDirectory(prefix="rt-", dir="/tmp") as name:
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        monkeypatch.setattr(tempfile, "tempdir", f"{name}/nowhere")
        yield Path(name)


def test_the_socket_lies_in_a_private_folder_of_the_user(runtime: Path, tmp_path: Path) -> None:
    socket = new_address(tmp_path).socket
    assert socket is not None
    assert socket.is_relative_to(runtime)
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


def test_the_same_folder_has_the_same_address_and_another_another(
    runtime: Path, tmp_path: Path
) -> None:
    assert new_address(tmp_path) == new_address(tmp_path)
    assert new_address(tmp_path) != new_address(tmp_path / "other")


def test_a_socket_that_was_left_behind_is_no_hindrance(runtime: Path, tmp_path: Path) -> None:
    socket = new_address(tmp_path).socket
    assert socket is not None
    socket.write_text("left by a server that was killed")
    assert new_address(tmp_path).socket == socket
    assert not socket.exists()


def test_a_folder_that_others_may_enter_is_not_used(runtime: Path, tmp_path: Path) -> None:
    first = new_address(tmp_path).socket
    assert first is not None
    first.parent.chmod(0o755)
    second = new_address(tmp_path)
    assert second.socket is None or not second.socket.is_relative_to(runtime)


def test_a_link_put_in_the_way_is_not_followed(runtime: Path, tmp_path: Path) -> None:
    first = new_address(tmp_path).socket
    assert first is not None
    first.parent.rmdir()
    first.parent.symlink_to(tmp_path)
    second = new_address(tmp_path)
    assert second.socket is None or not second.socket.is_relative_to(runtime)


def test_a_path_too_long_for_a_socket_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    address = new_address(tmp_path)
    assert len(address.host) <= 103
    assert list(deep.iterdir()) == []


def test_the_uri_asks_for_journaled_majority_writes() -> None:
    address = Address("/run/a folder/mongo.sock")
    assert address.uri == (
        "mongodb://%2Frun%2Fa%20folder%2Fmongo.sock/?directConnection=true&w=majority&journal=true"
    )


def test_a_socket_opens_no_port() -> None:
    assert "--port" not in Address("/run/x/mongo.sock").arguments
    assert "--nounixsocket" in Address("/run/x/mongo.sock").arguments  # but the named one


def test_loopback_is_the_only_interface() -> None:
    address = Address("127.0.0.1:27099")
    assert address.arguments[:4] == ("--bind_ip", "127.0.0.1", "--port", "27099")
    assert address.uri.startswith("mongodb://127.0.0.1:27099/?")
    assert address.socket is None


def test_nobody_listens_at_a_path_without_a_socket(tmp_path: Path) -> None:
    assert not Address("/run/no-such-folder/mongo.sock").listens()
