"""Where an embedded mongod listens: a private unix socket, or loopback if that does not serve."""

import contextlib
import hashlib
import os
import socket
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_LONGEST_SOCKET_PATH = 103  # bytes; Linux takes 107, macOS 103
_PROBE_S = 1.0
_WRITES = "directConnection=true&w=majority&journal=true"


@dataclass(frozen=True)
class Address:
    """A unix socket's path, or `host:port`, as the replica set names its member."""

    host: str

    @property
    def socket(self) -> Path | None:
        """The path of the unix socket, if it is one."""
        return Path(self.host) if self.host.startswith("/") else None

    @property
    def uri(self) -> str:
        """A mongodb:// URI whose writes are acknowledged when they are in the journal."""
        return f"mongodb://{quote(self.host, safe=':')}/?{_WRITES}"

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments that have mongod listen here and nowhere else."""
        if self.socket:
            return "--bind_ip", self.host, "--filePermissions", "0600", "--nounixsocket"
        host, _, port = self.host.partition(":")
        return "--bind_ip", host, "--port", port, "--nounixsocket"

    def listens(self) -> bool:
        """Returns whether a server accepts connections here."""
        family = socket.AF_UNIX if self.socket else socket.AF_INET
        host, _, port = self.host.partition(":")
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(_PROBE_S)
            return probe.connect_ex(self.host if self.socket else (host, int(port))) == 0


def new_address(folder: Path) -> Address:
    """Returns where the server of a data folder shall listen from now on.

    The socket lies in a folder of its own that only its owner may enter, below the user's runtime
    folder or the temporary one; its name is a hash of the data folder, because paths of sockets
    are short. Where no such folder takes a socket, it is a free port on loopback.
    """
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108 - the folder below it is checked
        path = Path(parent or "/nowhere") / _name(folder) / "mongo.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH and _takes_sockets(path):
            return Address(str(path))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address(f"127.0.0.1:{probe.getsockname()[1]}")


def _name(folder: Path) -> str:
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()
    return f"llm-pipeline-mongo-{os.geteuid()}-{digest[:12]}"


def _takes_sockets(path: Path) -> bool:
    """Makes the folder, and returns whether it is ours alone and can hold a socket."""
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        status = path.parent.lstat()
        private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
        if not private or status.st_uid != os.geteuid():
            return False
        path.unlink(missing_ok=True)  # left by a server that was killed
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(str(path))
        path.unlink()
    except OSError:
        with contextlib.suppress(OSError):
            path.parent.rmdir()
        return False
    return True
