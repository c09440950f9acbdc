"""A private MongoDB server on a data folder, shared by all processes that open the folder."""

import subprocess
import sys
import time
from pathlib import Path

from llm_engineering.domain.errors import ConfigurationError, StoreUnavailable
from llm_engineering.infrastructure.mongo import keeper
from llm_engineering.infrastructure.mongo.address import Address, new_address
from llm_engineering.infrastructure.mongo.binary import find_mongod
from llm_engineering.infrastructure.mongo.locks import FileLock
from llm_engineering.infrastructure.mongo.replica_set import make_writable, shut_down
from llm_engineering.infrastructure.mongo.server_log import full_disk, why_it_ended

_POLL_S = 0.02
_CLOSE_S = 20.0
# 11 MB on disk for an empty database instead of 315, and a quarter of a GB of cache at most
_SMALL = (
    *("--replSet", "rs0", "--oplogSize", "64", "--wiredTigerCacheSizeGB", "0.25"),
    *("--wiredTigerEngineConfigString", "log=(file_max=10MB,prealloc=false)"),
    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    *("--networkMessageCompressors", "disabled", "--noscripting", "--quiet"),
)


class EmbeddedMongo:
    """A genuine mongod as a single-node replica set; it runs as long as anybody uses it.

    The first user of a folder starts the server, others attach to it, and it ends with the last
    one, whether that calls `close`, exits or is killed. See `keeper` for how.

    Args:
        folder: the data folder; made if need be.
        timeout_s: how long `start` waits, recovery after a crash included.
    """

    def __init__(self, folder: Path, *, timeout_s: float = 60.0) -> None:
        self._folder = folder.expanduser().resolve()
        self._timeout_s = timeout_s
        self._users: FileLock | None = None

    def start(self) -> str:
        """Returns the URI of the running server, which is started if it does not run.

        Calling it again is allowed: it brings back a server that has crashed.

        Raises:
            MissingDependency: there is no mongod on this machine; says how to get MongoDB.
            ConfigurationError: the data folder cannot be made or written.
            StoreUnavailable: the server does not start, or the disk is full; says so in one line.
        """
        mongod = find_mongod()
        deadline = time.monotonic() + self._timeout_s
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._lock("start.lock") as starting:
                starting.wait_exclusive(deadline)
                self._become_user(deadline)
                return self._running(mongod, deadline).uri
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            self._leave()
            raise ConfigurationError(f"data folder {self._folder}: {error.strerror}") from error
        except OSError as error:
            self._leave()
            raise StoreUnavailable(f"data folder {self._folder}: {error.strerror}") from error
        except BaseException:
            self._leave()
            raise

    def why_down(self) -> str | None:
        """Returns that the disk is full, if it is: the usual end of a server that ran."""
        return full_disk(self._folder)

    def close(self) -> None:
        """Ends the use; the last user waits (20 s at most) until the server is down."""
        if self._users is None:
            return
        self._leave()
        deadline = time.monotonic() + _CLOSE_S
        while self._going_down() and time.monotonic() < deadline:
            time.sleep(_POLL_S)

    def _running(self, mongod: Path, deadline: float) -> Address:
        """Returns the address of a server that has a keeper and takes writes."""
        started: Address | None = None
        while time.monotonic() < deadline:
            with self._lock("keeper.lock") as lock:
                if lock.try_exclusive():
                    if started:
                        raise StoreUnavailable(f"embedded MongoDB: {self._why_it_ended()}")
                    started = self._start_server(mongod, lock)
            address = started or self._recorded_address()
            if address and address.listens() and make_writable(address):
                return address
            time.sleep(_POLL_S)
        raise StoreUnavailable(
            f"embedded MongoDB in {self._folder}: not ready in {self._timeout_s:g} s "
            f"(log: {self._folder / keeper.LOG})"
        )

    def _start_server(self, mongod: Path, lock: FileLock) -> Address:
        """Starts a keeper, which inherits `lock`, and through it the server."""
        stray = self._recorded_address()
        if stray and stray.listens():
            shut_down(stray)  # only where the kernel does not end it together with its keeper
        address = new_address(self._folder)
        self._record(address)
        server = (str(mongod), "--dbpath", str(self._folder / "db"), *address.arguments, *_SMALL)
        (self._folder / "db").mkdir(exist_ok=True)
        script = (sys.executable, "-I", "-S", keeper.__file__)
        subprocess.run(  # noqa: S603 - the program and its arguments are ours
            [*script, str(self._folder), address.host, str(lock.fd), *server],
            pass_fds=[lock.fd],
            start_new_session=True,
            check=False,  # a keeper that failed has let go of its lock
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return address

    def _record(self, address: Address) -> None:
        file = self._folder / "address"
        draft = file.with_suffix(".new")
        draft.write_text(address.host, encoding="utf-8")
        draft.replace(file)

    def _recorded_address(self) -> Address | None:
        try:
            host = (self._folder / "address").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        return Address(host) if host else None

    def _why_it_ended(self) -> str:
        return why_it_ended(self._folder, self._folder / keeper.LOG)

    def _become_user(self, deadline: float) -> None:
        """Holds `users.lock`; waits for a server that is just going down."""
        if self._users is None:
            self._users = self._lock("users.lock")
            self._users.wait_shared(deadline)

    def _leave(self) -> None:
        if self._users is not None:
            self._users.close()
            self._users = None

    def _going_down(self) -> bool:
        """Returns whether the server is ending because nobody uses it any more."""
        with self._lock("keeper.lock") as lock:
            if lock.try_exclusive():
                return False
        with self._lock("users.lock") as users:
            return users.try_exclusive() or not users.try_shared()

    def _lock(self, name: str) -> FileLock:
        return FileLock(self._folder / name)
