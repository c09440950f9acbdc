"""One process at a time: the lock holds between processes, and falls with them."""

import os
import threading
from pathlib import Path

import pytest

from llm_engineering.infrastructure.model_files.locking import exclusive


def in_another_process(path: Path) -> int:
    """Starts a process that takes the lock and writes one byte; returns the pipe's reading end."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        return reading
    with exclusive(path):
        os.write(writing, b"x")
    os._exit(0)


def test_another_process_waits_for_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "models" / "tiny.lock"
    with exclusive(path):
        reading = in_another_process(path)
        os.set_blocking(reading, False)
        with pytest.raises(BlockingIOError):
            os.read(reading, 1)
        os.set_blocking(reading, True)
    assert os.read(reading, 1) == b"x"
    os.close(reading)
    os.wait()


def test_the_lock_of_a_process_that_ended_early_is_free(tmp_path: Path) -> None:
    path = tmp_path / "tiny.lock"
    child = os.fork()
    if child == 0:
        exclusive(path).__enter__()
        os._exit(1)
    os.waitpid(child, 0)
    with exclusive(path):
        assert path.exists()


def test_an_error_in_the_block_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "tiny.lock"
    with pytest.raises(KeyError), exclusive(path):
        raise KeyError("mine")
    with exclusive(path):
        pass


def test_threads_hold_it_one_after_the_other(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "tiny.lock", 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with exclusive(path):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_locks_of_two_models_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with exclusive(tmp_path / "one.lock"), exclusive(tmp_path / "two.lock"):
        assert sorted(file.name for file in tmp_path.iterdir()) == ["one.lock", "two.lock"]
