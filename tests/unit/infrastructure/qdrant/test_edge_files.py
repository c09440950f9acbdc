"""Locks, atomic replacement and copies with holes."""

import os
from pathlib import Path

import pytest

from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.infrastructure.qdrant.edge_files import (
    SharedFolder,
    WriterLock,
    copy_tree,
    disk_use,
    file_sizes,
    fsync_tree,
    mark,
    read_json,
    remove_unused,
    replace_json,
    replace_text,
)

MEBIBYTE = 1 << 20


def test_a_copy_has_the_bytes_and_the_holes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "inner").mkdir(parents=True)
    with (source / "inner" / "sparse").open("wb") as file:
        file.seek(3 * MEBIBYTE)
        file.write(b"data" * 2000)
        file.truncate(9 * MEBIBYTE + 5)
    (source / "empty").touch()
    (source / "dense").write_bytes(os.urandom(5 * MEBIBYTE + 1))

    copy_tree(source, tmp_path / "target")

    assert file_sizes(tmp_path / "target") == file_sizes(source)
    for name in ("inner/sparse", "empty", "dense"):
        assert (tmp_path / "target" / name).read_bytes() == (source / name).read_bytes()
    assert (tmp_path / "target" / "inner" / "sparse").stat().st_blocks * 512 < MEBIBYTE
    dense_alone = (source / "dense").stat().st_size
    assert dense_alone <= disk_use(tmp_path / "target") < dense_alone + MEBIBYTE


@pytest.mark.parametrize("durable", [True, False])
def test_a_replaced_file_holds_the_new_text_and_nothing_lies_beside_it(
    tmp_path: Path, durable: bool
) -> None:
    path = tmp_path / "current"
    replace_text(path, "a long first text", durable=durable)
    replace_text(path, "2", durable=durable)
    assert path.read_text() == "2"
    assert list(tmp_path.iterdir()) == [path]


def test_json_comes_back_and_damaged_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    with pytest.raises(StoreUnavailable, match=r"manifest\.json"):
        read_json(path)
    replace_json(path, {"chunks": 3})
    assert read_json(path) == {"chunks": 3}
    path.write_text('{"chunks": ')
    with pytest.raises(StoreUnavailable, match=r"manifest\.json"):
        read_json(path)


def test_syncing_a_tree_reaches_a_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").touch()
    fsync_tree(tmp_path)
    (tmp_path / "inner" / "dangling").symlink_to(tmp_path / "nowhere")
    fsync_tree(tmp_path)


def test_a_folder_in_use_is_not_removed_and_an_unused_one_is(tmp_path: Path) -> None:
    folder = tmp_path / "3"
    (folder / "shard").mkdir(parents=True)
    first, second = SharedFolder(folder), SharedFolder(folder)
    remove_unused(folder)
    first.close()
    remove_unused(folder)
    assert folder.exists()
    second.close()
    remove_unused(folder)
    assert not folder.exists()
    remove_unused(folder)


def test_a_file_has_another_mark_when_it_was_replaced(tmp_path: Path) -> None:
    file = tmp_path / "current"
    assert mark(file) is None
    replace_text(file, "1")
    first = mark(file)
    assert first == mark(file) is not None
    replace_text(file, "1")
    assert mark(file) not in (first, None)
    file.rename(tmp_path / "moved")
    assert mark(file) is None


def test_one_handle_at_a_time_may_write(tmp_path: Path) -> None:
    first, second = WriterLock(tmp_path / "lock"), WriterLock(tmp_path / "lock")
    first.acquire()
    first.acquire()
    assert first.held
    assert not second.try_acquire()
    with pytest.raises(StoreUnavailable, match=f"process {os.getpid()}"):
        second.acquire()
    first.release()
    first.release()
    assert not first.held
    second.acquire()
    second.release()
