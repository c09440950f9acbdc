"""Whose a connection on loopback is."""

import os
import socket
import sys
from pathlib import Path

_TABLE = Path("/proc/net/tcp")
_LOOPBACK = f"{int.from_bytes(socket.inet_aton('127.0.0.1'), sys.byteorder):08X}"
_LOCAL, _REMOTE, _UID = 1, 2, 7  # columns
_READINGS = 3  # a line may be missed while the kernel changes the table


def is_own_connection(peer: tuple[str, int], port: int, table: Path = _TABLE) -> bool:
    """Returns whether the other end belongs to this process's user.

    Where the system has no such table (it is Linux's), it is not known and taken for granted.

    Args:
        peer: address and port of the other end, on 127.0.0.1.
        port: the port that it is connected to, on 127.0.0.1.
        table: the kernel's table of connections.
    """
    ends = (f"{_LOOPBACK}:{peer[1]:04X}", f"{_LOOPBACK}:{port:04X}")
    for _ in range(_READINGS):
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            return True
        for row in map(str.split, lines):
            if (row[_LOCAL], row[_REMOTE]) == ends:
                return int(row[_UID]) == os.geteuid()
    return False
