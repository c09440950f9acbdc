"""The process above the browser: nothing of it outlives whoever uses it.

It is run as a script, by path, and imports nothing but the standard library:

    python -I -S guard.py LIFELINE_FD SCRATCH_FOLDER PROGRAM ARGUMENT...

LIFELINE_FD is the reading end of a pipe whose other end only the user holds. The guard ends when
that is closed (also by the kernel, when the user is killed) or when PROGRAM ends; then it kills
every process that came from PROGRAM, wherever those have moved to, and removes the scratch folder.
What PROGRAM says goes where the guard's own output goes.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_PATIENCE_S = 5.0


def main(arguments: list[str]) -> None:
    """Runs the program until it ends by itself or nobody uses it any more."""
    lifeline, scratch = int(arguments[0]), Path(arguments[1])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the user decides, by its end of the pipe
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        program = _start(arguments[2:])
        ended, ending = os.pipe()
        threading.Thread(target=_tell_end, args=(program, ending), daemon=True).start()
        select.select([lifeline, ended], [], [])
        _kill_all(program)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _start(command: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - the arguments are ours
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_default_signals,  # noqa: PLW1509 - this process has one thread
    )


def _tell_end(program: "subprocess.Popen[bytes]", ending: int) -> None:
    program.wait()
    os.close(ending)


def _default_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # not Linux: the process group must do
        ctypes.CDLL(None).prctl(option, value)


def _kill_all(program: "subprocess.Popen[bytes]") -> None:
    """Kills the process group, and what left it: orphans become children of this process."""
    deadline = time.monotonic() + _PATIENCE_S
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    while time.monotonic() < deadline:
        for child in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        time.sleep(0.01)


def _children() -> list[int]:
    found: list[int] = []
    for thread in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, thread.read_text(encoding="ascii").split())
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
