"""CPU seconds of other processes (Linux). Standard library only."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def children() -> list[str]:
    """Returns the ids of this process's children."""
    found: list[str] = []
    for task in Path("/proc/self/task").glob("*"):
        with suppress(FileNotFoundError):  # the thread has ended
            found += (task / "children").read_text(encoding="utf-8").split()
    return found


def mentioning(argument: str) -> list[str]:
    """Returns the ids of the processes, this one aside, whose command line has `argument` in it.

    So a server is found that left its parent, as the embedded MongoDB does.
    """
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            if argument.encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
    return [pid for pid in found if pid != str(os.getpid())]


def seconds_of(pids: Iterable[str]) -> float:
    """Returns user and system time, precise to 10 ms each: fields 14 and 15 of proc(5)'s stat."""
    total = 0
    for pid in pids:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        fields = text.rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS
