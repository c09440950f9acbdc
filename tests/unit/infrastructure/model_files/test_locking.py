"""One process at a time: the lock holds between processes, and falls with them."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from llm_engineering.infrastructure.model_files import locking
from llm_engineering.infrastructure.model_files.locking import exclusive

_TRY = """
import fcntl, sys
file = open(sys.argv[1], "w")
try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("taken")
else:
    print("free")
"""
_TAKE_AND_END = """
import os, runpy, sys
from pathlib import Path
runpy.run_path(sys.argv[2])["exclusive"](Path(sys.argv[1])).__enter__()
os._exit(1)
"""


def python(program: str, *arguments: object) -> str:
    """Returns what a process of its own prints; it shares no open file with this one."""
    command = [sys.executable, "-I", "-S", "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert not done.stderr
    return done.stdout.strip()


def test_another_process_cannot_have_the_lock_before_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "models" / "tiny.lock"
    with exclusive(path):
        assert python(_TRY, path) == "taken"
    assert python(_TRY, path) == "free"


def test_the_lock_of_a_process_that_ended_early_is_free(tmp_path: Path) -> None:
    path = tmp_path / "tiny.lock"
    python(_TAKE_AND_END, path, locking.__file__)
    assert path.exists()
    assert python(_TRY, path) == "free"


def test_an_error_in_the_block_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "tiny.lock"
    with pytest.raises(KeyError), exclusive(path):
        raise KeyError("mine")
    assert python(_TRY, path) == "free"


def test_threads_hold_it_one_after_the_other(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "tiny.lock", 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with exclusive(path):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (most, inside) == (1, 0)


def test_locks_of_two_models_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with exclusive(tmp_path / "one.lock"), exclusive(tmp_path / "two.lock"):
        assert sorted(file.name for file in tmp_path.iterdir()) == ["one.lock", "two.lock"]
