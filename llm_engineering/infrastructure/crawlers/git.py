"""Git, run so that a hostile repository or address can do nothing but fail."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from llm_engineering.domain.errors import FetchError, MissingDependency, PipelineError

_SAFE = (
    "core.symlinks=false",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "credential.helper=",
    "http.followRedirects=false",
    "http.proxy=",
    "protocol.file.allow=never",
    "submodule.recurse=false",
    "transfer.fsckObjects=true",
    "fetch.fsck.zeroPaddedFilemode=ignore",  # old, harmless and common
    "fetch.fsck.badTimezone=ignore",
    "fetch.fsck.missingSpaceBeforeDate=ignore",
)
_CLONE = ("clone", "--bare", "--depth=1", "--single-branch", "--no-tags", "--template=", "--quiet")
_KEPT_VARIABLES = ("PATH", "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR")
_COMMAND_NOT_FOUND = 127
_HEADER_FIELDS = 3  # of `git cat-file --batch`: id, type, size
_BLOCK_BYTES = 512  # the unit of `ulimit -f` (POSIX)
# What git says when `ulimit -f` ended it, or index-pack, which then says nothing itself.
_TOO_LARGE = ("File too large", f"signal {int(signal.SIGXFSZ)}", "invalid index-pack output")
# Redirects are not followed: the new address has not been checked.
_MOVED = re.compile(r"returned error: 30[1278]")
_TRANSIENT = ("Could not resolve host", "timed out", "Connection refused", "early EOF", "HTTP 5")


@dataclass(frozen=True)
class GitLimits:
    """Bounds of one git command: its time, what a clone may weigh, and what it may print.

    Files above `max_blob_bytes` are not even sent, where the server can leave them out.
    """

    timeout_s: float = 300.0
    max_blob_bytes: int = 1_000_000
    max_pack_bytes: int = 1_000_000_000
    max_output_bytes: int = 64_000_000


class Git:
    """Runs git with a closed environment: no hooks, no prompts, no user configuration."""

    def __init__(self, limits: GitLimits = GitLimits()) -> None:
        self._limits = limits

    def clone(self, url: str, folder: Path, options: Sequence[str]) -> None:
        """Makes a bare clone of the newest commit of the default branch.

        Raises:
            FetchError: it cannot be had, takes too long, or is too large.
        """
        without_large = f"--filter=blob:limit={self._limits.max_blob_bytes + 1}"
        arguments = [*_CLONE, without_large, "--", url, str(folder)]
        command = _command(arguments, options, self._limits.max_pack_bytes)
        self._run(command, about=url, protocol=_scheme(url), limit=self._limits.max_pack_bytes)

    def newest_commit(self, url: str, options: Sequence[str]) -> str | None:
        """Returns the id of the newest commit of the default branch, None when there is none.

        Raises:
            FetchError: the repository cannot be asked.
        """
        limit = self._limits.max_output_bytes
        command = _command(["ls-remote", "--", url, "HEAD"], options, limit)
        answer = self._run(command, about=url, protocol=_scheme(url), limit=limit)
        return answer.decode("ascii", "replace").partition("\t")[0].strip() or None

    def sizes(self, folder: Path) -> Mapping[str, int]:
        """Returns the size in bytes of each file content in a clone, by its object id.

        Raises:
            FetchError: as `read`.
        """
        listing = self.read(
            folder,
            "cat-file",
            "--batch-all-objects",  # those that are here: asking for others would fetch them
            "--unordered",
            "--batch-check=%(objecttype) %(objectname) %(objectsize)",
        )
        records = (line.split() for line in listing.decode("ascii").splitlines())
        return {name: int(size) for kind, name, size in records if kind == "blob"}

    def read(self, folder: Path, *arguments: str) -> bytes:
        """Returns what a command that only reads prints about the repository in `folder`.

        Raises:
            FetchError: it fails, takes too long, or prints too much.
        """
        limit = self._limits.max_output_bytes
        command = _command(["-C", str(folder), *arguments], [f"safe.directory={folder}"], limit)
        return self._run(command, about=str(folder), protocol="none", limit=limit)

    @contextmanager
    def blobs(self, folder: Path) -> Iterator[Callable[[str], bytes]]:
        """Returns a function that gives the content of an object; one process serves all calls.

        The function raises FetchError for an object that is not there, and when git has ended.
        """
        command = _command(["-C", str(folder), "cat-file", "--batch"], (), 0)
        with subprocess.Popen(  # noqa: S603 - a fixed program and arguments of ours
            command, env=_environment("none"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            requests, answers = process.stdin, process.stdout
            if requests is None or answers is None:
                raise AssertionError("both were asked for")

            def content(object_id: str) -> bytes:
                try:
                    requests.write(object_id.encode() + b"\n")
                    requests.flush()
                except OSError as error:
                    raise FetchError(str(folder), "git ended early") from error
                header = answers.readline().split()
                if len(header) != _HEADER_FIELDS or not header[-1].isdigit():
                    # `ID missing`, or nothing: it has ended
                    raise FetchError(str(folder), f"git gives no object {object_id}")
                size = int(header[-1])
                return answers.read(size + 1)[:size]

            try:
                yield content
            finally:
                with suppress(OSError):  # git may have ended before it had read all
                    requests.close()

    def _run(self, command: Sequence[str], *, about: str, protocol: str, limit: int) -> bytes:
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(  # noqa: S603 - a fixed program, addresses after `--`
                    command,
                    env=_environment(protocol),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    start_new_session=True,
                )
                status = _wait(process, self._limits.timeout_s)
            except subprocess.TimeoutExpired as error:
                reason = f"git took longer than {self._limits.timeout_s:g} s"
                raise FetchError(about, reason, transient=True) from error
            if status != 0:
                raise _failure(about, status, errors, limit)
            output.seek(0)
            return output.read()


def _scheme(url: str) -> str:
    return url.partition(":")[0]


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> int:
    """Returns the exit status; a group of processes that takes too long is killed as a whole."""
    try:
        return process.wait(timeout_s)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _command(
    arguments: Sequence[str], options: Sequence[str], max_file_bytes: int
) -> Sequence[str]:
    """Returns a command line that writes no file larger than `max_file_bytes`."""
    settings = [part for option in (*_SAFE, *options) for part in ("-c", option)]
    limited = 'command -v git >/dev/null || exit 127; ulimit -f "$0" && exec git "$@"'
    return ["/bin/sh", "-c", limited, str(max_file_bytes // _BLOCK_BYTES), *settings, *arguments]


def _environment(protocols: str) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | {
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": protocols,
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _failure(about: str, status: int, errors: IO[bytes], limit: int) -> PipelineError:
    if status == _COMMAND_NOT_FOUND:
        return MissingDependency("git is not installed: install the package `git`")
    errors.seek(0)
    text = errors.read(100_000).decode("utf-8", "replace")
    lines = text.strip().splitlines() or [f"exit status {status}"]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-1:]
    reason = fatal[0].removeprefix("fatal: ").removeprefix("error: ")
    if status == -signal.SIGXFSZ or any(sign in reason for sign in _TOO_LARGE):
        return FetchError(about, f"larger than {limit:,} bytes")
    if _MOVED.search(text):
        return FetchError(about, "the repository has moved: give its present address")
    return FetchError(about, f"git: {reason}", transient=any(sign in text for sign in _TRANSIENT))


def split_nul(output: bytes) -> Iterator[str]:
    """Yields the records of `-z` output; paths that are not UTF-8 are left out."""
    for record in output.split(b"\0"):
        try:
            if record:
                yield record.decode("utf-8")
        except UnicodeDecodeError:
            continue
