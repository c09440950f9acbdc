"""Looks at, and ends, the processes behind an embedded server."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def processes_of(folder: Path) -> dict[str, int]:
    """Returns the pids of the `keeper` and the `mongod` of a data folder that are alive."""
    found = {}
    for entry in Path("/proc").iterdir():
        name = _part_of(entry, str(folder.resolve())) if entry.name.isdigit() else None
        if name:
            found[name] = int(entry.name)
    return found


def _part_of(entry: Path, folder: str) -> str | None:
    try:
        arguments = (entry / "cmdline").read_text().split("\0")
        state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # it has just ended
        return None
    if state == "Z":
        return None
    if arguments[0].endswith("/mongod") and f"{folder}/db" in arguments:
        return "mongod"
    is_keeper = len(arguments) > 4 and arguments[3].endswith("keeper.py")
    return "keeper" if is_keeper and arguments[4] == folder else None


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Returns when the condition holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def wait_until_gone(folder: Path) -> None:
    """Returns when neither keeper nor mongod of the folder is left."""
    wait_until(lambda: not processes_of(folder))


def kill(pid: int) -> None:
    """Ends a process as the out-of-memory killer does."""
    os.kill(pid, signal.SIGKILL)


def listening_ports(pid: int) -> set[str]:
    """Returns the TCP addresses, as the kernel writes them, that a process listens on."""
    links = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed in the meantime: it opens files as it works
            links.append(str(link.readlink()))
    inodes = {link.removeprefix("socket:[").rstrip("]") for link in links if "socket:" in link}
    tables = (Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6"))
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return {row[1] for row in rows if row[3] == "0A" and row[9] in inodes}
