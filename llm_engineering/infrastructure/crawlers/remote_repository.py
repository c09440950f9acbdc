"""A repository on another machine: its address, and a bare, shallow clone of it."""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote, urlsplit

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.git import Git, split_nul

_SEGMENT = re.compile(r"(?!-)(?!\.{1,2}$)[\w.~-]+", re.ASCII)
_REGULAR_FILES = ("100644", "100755")
_FILE_PAGES = {"gitlab.com": "/-/blob/", "codeberg.org": "/src/branch/", "bitbucket.org": "/src/"}
_HTTPS_PORT, _HTTP_PORT = 443, 80


@dataclass(frozen=True)
class RemoteAddress:
    """Where a repository lies, put together anew from the checked parts of a link."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str, policy: AddressPolicy) -> "RemoteAddress":
        """Returns the address; https, but for private hosts that are allowed and ask for http.

        Raises:
            FetchError: a part of it is not what repositories are named with.
        """
        try:
            parts = urlsplit(url)
            named_port = parts.port
        except ValueError as error:
            raise _no_repository(url) from error
        host = (parts.hostname or "").rstrip(".")
        segments = [segment for segment in parts.path.split("/") if segment]
        if not host or not segments or not all(map(_SEGMENT.fullmatch, segments)):
            raise _no_repository(url)
        plain = parts.scheme == "http" and policy.allows_private(host, named_port or _HTTP_PORT)
        default = _HTTP_PORT if plain else _HTTPS_PORT
        port = named_port if plain or parts.scheme == "https" else None
        return cls("http" if plain else "https", host, port or default, "/".join(segments))

    @property
    def url(self) -> str:
        """What git is told."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = {"https": _HTTPS_PORT, "http": _HTTP_PORT}[self.scheme]
        return (
            f"{self.scheme}://{host}{'' if self.port == default else f':{self.port}'}/{self.path}"
        )

    @property
    def name(self) -> str:
        """Owner and name, such as `pandas-dev/pandas`."""
        return self.path.removesuffix(".git")

    @property
    def owner(self) -> str:
        """Who the repository belongs to."""
        return self.path.partition("/")[0]

    @property
    def platform(self) -> str:
        """The host without its ending: `github`, `gitlab`; the whole of it for an address."""
        return self.host.removeprefix("www.").removesuffix(".com").removesuffix(".org")

    def page(self, branch: str, path: str) -> str:
        """Returns where people read a file of the repository."""
        base = self.url.removesuffix(".git")
        pages = _FILE_PAGES.get(self.host, "/blob/")
        return f"{base}{pages}{quote(branch)}/{quote(path)}"


def _no_repository(url: str) -> FetchError:
    return FetchError(url, "not the address of a repository (https://host/owner/name)")


@dataclass(frozen=True)
class _Blob:
    """A file's content; `size` is None when the server left it out for being too large."""

    object_id: str
    size: int | None


class RemoteRepository:
    """The newest commit of a repository, read out of a clone without ever checking it out."""

    def __init__(
        self,
        address: RemoteAddress,
        commit: str,
        branch: str,
        blobs: Mapping[str, _Blob],
        content: Callable[[str], bytes],
    ) -> None:
        self._address = address
        self._branch = branch
        self._blobs = blobs
        self._content = content
        self.name = address.name
        self.platform = address.platform
        self.author: str | None = address.owner
        self.revision: str | None = commit

    @classmethod
    @contextmanager
    def cloned(
        cls, url: str, policy: AddressPolicy, git: Git, workdir: Path
    ) -> Iterator["RemoteRepository"]:
        """Clones for the length of a block.

        Raises:
            FetchError: the address is refused, or the repository cannot be had.
        """
        address, options = _checked(url, policy)
        folder = Path(tempfile.mkdtemp(prefix="clone-", dir=workdir))
        try:
            git.clone(address.url, folder, options)
            branch = git.read(folder, "symbolic-ref", "--short", "HEAD").decode().strip()
            commit = git.read(folder, "rev-parse", "HEAD").decode().strip()
            tree = git.read(folder, "ls-tree", "-r", "-z", "--full-tree", "HEAD")
            with git.blobs(folder) as content:
                yield cls(address, commit, branch, _listed(tree, git.sizes(folder)), content)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sizes(self) -> Mapping[str, int | None]:
        """Returns the size in bytes of every regular file by its path; None: too large to send."""
        return {path: blob.size for path, blob in self._blobs.items()}

    def read(self, path: str) -> bytes:
        """Returns the content of a file."""
        return self._content(self._blobs[path].object_id)

    def page(self, path: str) -> str:
        """Returns the address of a file."""
        return self._address.page(self._branch, path)

    def published(self, path: str) -> datetime | None:  # noqa: ARG002 - the same for every file
        """A clone of one commit does not know when a file was last changed."""
        return None


def newest_commit(url: str, policy: AddressPolicy, git: Git) -> str | None:
    """Returns the id of a repository's newest commit, without cloning it.

    Raises:
        FetchError: the address is refused, or the repository cannot be asked.
    """
    address, options = _checked(url, policy)
    return git.newest_commit(address.url, options)


def _checked(url: str, policy: AddressPolicy) -> tuple[RemoteAddress, Sequence[str]]:
    """Returns the address, and what makes git connect to where its host was found to be."""
    address = RemoteAddress.parse(url, policy)
    return address, _pinned(address, policy.addresses(address.host, address.port))


def _pinned(address: RemoteAddress, addresses: Sequence[str]) -> Sequence[str]:
    """Makes git connect to the addresses that were checked, whatever DNS says a moment later."""
    try:
        ip_address(address.host)
    except ValueError:
        return [f"http.curloptResolve={address.host}:{address.port}:{','.join(addresses)}"]
    return []


def _listed(tree: bytes, sizes: Mapping[str, int]) -> Mapping[str, _Blob]:
    """Returns the regular files of `ls-tree -z`; symbolic links and submodules are no files."""
    blobs: dict[str, _Blob] = {}
    for record in split_nul(tree):
        facts, _, path = record.partition("\t")
        mode, _, object_id = facts.split()
        if mode in _REGULAR_FILES:
            blobs[path] = _Blob(object_id, sizes.get(object_id))
    return blobs
