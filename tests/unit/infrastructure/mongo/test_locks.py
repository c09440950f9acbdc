import subprocess
import sys
import time
from pathlib import Path

import pytest

from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.infrastructure.mongo.locks import FileLock


def test_many_share_and_one_alone_excludes(tmp_path: Path) -> None:
    path = tmp_path / "users.lock"
    with FileLock(path) as first, FileLock(path) as second, FileLock(path) as third:
        assert first.try_shared()
        assert second.try_shared()
        assert not third.try_exclusive()
        first.close()
        second.close()
        assert third.try_exclusive()
        with FileLock(path) as late:
            assert not late.try_shared()


def test_waiting_ends_at_the_deadline_and_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "start.lock"
    with FileLock(path) as holder, FileLock(path) as waiting:
        assert holder.try_exclusive()
        with pytest.raises(StoreUnavailable, match=r"start\.lock"):
            waiting.wait_exclusive(time.monotonic() + 0.05)
        with pytest.raises(StoreUnavailable, match=r"start\.lock"):
            waiting.wait_shared(time.monotonic() + 0.05)


def test_a_child_that_inherited_the_lock_holds_on_to_it_until_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "keeper.lock"
    with FileLock(path) as given:
        assert given.try_exclusive()
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1, pass_fds=[given.fd])
    with child, FileLock(path) as probe:
        assert not probe.try_exclusive()
        child.kill()
        child.wait()
        assert probe.try_exclusive()


def test_closing_twice_is_allowed(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "x.lock")
    lock.close()
    lock.close()
