"""The process that owns an embedded mongod: it ends the server with its last user.

It is run as a script, by path, and imports nothing but the standard library:

    python -I -S keeper.py FOLDER SOCKET KEEPER_LOCK_FD MONGOD ARGUMENT...

FOLDER holds the database in `db`. Four of its files are locked, and the kernel gives the locks back
however their holder ends: `start.lock` is held by a process that is starting or attaching;
`users.lock` by every user, shared; `keeper.lock` by this process; `server.lock` by the mongod. The
keeper waits for `users.lock` alone, which it gets when nobody is left, and holds it until mongod is
down: whoever comes then waits, too.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

LOG = "mongod.log"
PREVIOUS_LOG = "mongod.previous.log"
_LOG_BYTES = 8 * 1024 * 1024
_LOG_CHECK_S = 60.0
_OLD_SERVER_S = 30
_SHUTDOWN_S = 20.0
_PR_SET_PDEATHSIG = 1


class _EndNow(Exception):
    """Mongod has ended, or this process was told to."""


def main(arguments: list[str]) -> None:
    """Runs mongod until it ends by itself or nobody uses it any more."""
    folder, socket = Path(arguments[0]), Path(arguments[1])
    _leave_parent()
    server = _start(folder, arguments[3:])
    try:
        _wait_for_last_user(folder, server)
    except _EndNow:
        pass
    finally:
        _stop(server)
        with contextlib.suppress(OSError):
            socket.unlink(missing_ok=True)
            socket.parent.rmdir()


def _leave_parent() -> None:
    """Goes on as a child of init, so that no user has to collect this process."""
    if os.fork():
        os._exit(0)


def _start(folder: Path, command: list[str]) -> "subprocess.Popen[bytes]":
    """Starts mongod, which holds `server.lock`, once an older one has let go of it."""
    lock = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    signal.alarm(_OLD_SERVER_S)  # its default action ends this process
    fcntl.flock(lock, fcntl.LOCK_EX)
    signal.alarm(0)
    with contextlib.suppress(FileNotFoundError):
        (folder / LOG).replace(folder / PREVIOUS_LOG)
    keeper = os.getpid()
    try:
        with (folder / LOG).open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - the arguments are ours
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock],
                preexec_fn=lambda: _die_with(keeper),  # noqa: PLW1509 - this process has one thread
            )
    finally:
        os.close(lock)


def _die_with(keeper: int) -> None:
    """Has the kernel end this process when the keeper ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != keeper:  # it ended before the call
            os._exit(1)


def _wait_for_last_user(folder: Path, server: "subprocess.Popen[bytes]") -> None:
    users = os.open(folder / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for reason in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(reason, _end_now)
    signal.signal(signal.SIGALRM, lambda *_: _bound(folder / LOG))
    signal.setitimer(signal.ITIMER_REAL, _LOG_CHECK_S, _LOG_CHECK_S)
    if server.poll() is None:
        fcntl.flock(users, fcntl.LOCK_EX)  # asleep here all the time; kept until this process ends


def _end_now(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - a signal handler
    raise _EndNow


def _bound(log: Path) -> None:
    """Empties a log that has grown too long; mongod goes on at its new end."""
    if log.stat().st_size > _LOG_BYTES:
        os.truncate(log, 0)


def _stop(server: "subprocess.Popen[bytes]") -> None:
    for reason in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(reason, signal.SIG_IGN if reason != signal.SIGCHLD else signal.SIG_DFL)
    server.terminate()
    try:
        server.wait(_SHUTDOWN_S)
    except subprocess.TimeoutExpired:  # everything acknowledged is in the journal
        server.kill()
        server.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
