"""Tracks experiments with ClearML: on its server when that answers, else in offline sessions."""

import contextlib
import json
import logging
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
from pydantic import SecretStr

from llm_engineering.domain.errors import (
    ConfigurationError,
    IntegrityError,
    InvalidInput,
    StoreUnavailable,
)
from llm_engineering.domain.redaction import Redaction
from llm_engineering.infrastructure.tracking import clearml_upload
from llm_engineering.infrastructure.tracking.clearml_task import ClearMLTask, Server, environment
from llm_engineering.infrastructure.tracking.series import Series

PROJECT = "LLM Pipeline System"
PROBE_S = 2.0
PATIENCE_S = 60.0
UPLOAD_S = 300.0
KINDS = ("training", "testing", "inference", "data_processing")

_log = logging.getLogger(__name__)


class ClearMLTracker:
    """Opens ClearML tasks, each in a process of its own (`clearml_process` says why).

    Records are written to a file first, so nothing here waits for the network, and whatever the
    server did not take in time becomes an offline session: a zip below `folder` that
    `clearml.Task.import_offline_session` uploads later.

    Args:
        folder: for offline sessions, and for what ClearML keeps on disk.
        api_host, web_host, files_host: the server's addresses; without `api_host`, or when it does
            not answer within two seconds, tasks are recorded offline.
        access_key, secret_key: credentials of the server.
        patience_s: seconds that the server gets for what is left when a task is closed.
        redaction: takes secrets out of all that is recorded.
        max_bytes: of offline sessions below `folder`; the oldest go first. None keeps all.
    """

    def __init__(
        self,
        *,
        folder: Path,
        api_host: str | None,
        web_host: str | None,
        files_host: str | None,
        access_key: SecretStr | None,
        secret_key: SecretStr | None,
        patience_s: float = PATIENCE_S,
        redaction: Redaction | None = None,
        max_bytes: int | None = None,
    ) -> None:
        self._folder = folder.absolute()
        self._api_host = api_host.rstrip("/") if api_host else None
        self._web_host = web_host
        self._files_host = files_host
        self._access_key = access_key
        self._secret_key = secret_key
        self._patience_s = patience_s
        self._redaction = redaction or Redaction(long=False)
        self._max_bytes = max_bytes

    @contextlib.contextmanager
    def task(self, name: str, kind: str, *, continues: bool = False) -> Iterator[ClearMLTask]:
        """Opens a task; it is closed, as done or failed, when the block ends.

        One that `continues` counts on from the last iteration of that name, and is the same task
        on a server; offline, each time makes a session, and `SessionUploads` puts them together.

        Raises:
            InvalidInput: `kind` is not one of `KINDS`.
        """
        if kind not in KINDS:
            raise InvalidInput(f"kind of task: {kind!r} (allowed: {', '.join(KINDS)})")
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "task"
        self._folder.mkdir(parents=True, exist_ok=True)
        series = Series(self._folder, name) if continues else None
        if series:  # by their names the sessions of one task are in order
            slug = f"{slug}-{series.last_iteration:09d}"
        work = Path(tempfile.mkdtemp(prefix=f"{slug}-", dir=self._folder))
        order = {"project": PROJECT, "name": name, "kind": kind}
        task = ClearMLTask(order, work, self._server(), self._patience_s, self._redaction, series)
        try:
            yield task
        except BaseException as error:
            task.close(failure=f"{type(error).__name__}: {error}")
            raise
        else:
            task.close()
        finally:
            self._prune()

    def waiting(self) -> list[str]:
        """Returns the names of the offline sessions, those of one task in their order."""
        return sorted(session.name for session in self._folder.glob("*.zip"))

    def upload(self, session: str) -> str:
        """Uploads an offline session and deletes it here; returns the page of its task.

        Raises:
            ConfigurationError: no server is set.
            IntegrityError: it is no session, or was damaged; it stays here.
            StoreUnavailable: the server does not answer, or does not take it; it stays here.
        """
        if self._api_host is None:
            raise ConfigurationError("CLEARML_API_HOST is not set: there is no server to upload to")
        server, file = self._server(), self._folder / session
        if server is None:
            raise StoreUnavailable(f"the ClearML server at {self._api_host} does not answer")
        series = Series(self._folder, _task_name(file))
        order = {
            "server": server,
            "zip": str(file),
            "series": series.known,
            "continues": series.task_id,
        }
        done = _uploaded(order, session)
        if series.known:
            series.task_id = done["task"]
        file.unlink()
        return done["page"]

    def _prune(self) -> None:
        """Deletes the oldest sessions beyond `max_bytes`."""
        if self._max_bytes is None:
            return
        sessions = [entry for entry in self._folder.iterdir() if entry.name != "series"]
        left = self._max_bytes
        for session in sorted(sessions, key=_changed_s, reverse=True):
            with contextlib.suppress(FileNotFoundError):  # another worker deletes, or uploads, it
                left -= _bytes_of(session)
                if left < 0:
                    _log.warning("no room for more offline sessions: %s is deleted", session.name)
                    shutil.rmtree(session) if session.is_dir() else session.unlink()

    def _server(self) -> Server | None:
        """Returns the credentials when the server answers, else None."""
        if self._api_host is None:
            return None
        try:
            httpx.get(f"{self._api_host}/debug.ping", timeout=PROBE_S).raise_for_status()
        except httpx.HTTPError as error:
            _log.warning("ClearML at %s: %s; recording offline", self._api_host, error)
            return None
        return {
            "api_host": self._api_host,
            "web_host": self._web_host,
            "files_host": self._files_host,
            "key": self._access_key.get_secret_value() if self._access_key else None,
            "secret": self._secret_key.get_secret_value() if self._secret_key else None,
        }


def _uploaded(order: Mapping[str, object], session: str) -> dict[str, str]:
    """Returns what the process that uploads a session says of it."""
    with tempfile.TemporaryDirectory() as work:
        try:
            run = subprocess.run(  # noqa: S603 - our own script
                [sys.executable, "-P", clearml_upload.__file__],
                input=json.dumps({**order, "folder": work}).encode() + b"\n",
                capture_output=True,
                env=environment(Path(work)),
                timeout=UPLOAD_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StoreUnavailable(f"ClearML's server did not take {session} in time") from None
    if run.returncode != 0 or not run.stdout:
        said = run.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
        raise StoreUnavailable(f"ClearML's server did not take {session}: {said[-1]:.300}")
    done: dict[str, str] = json.loads(run.stdout)
    return done


def _task_name(session: Path) -> str:
    try:
        with zipfile.ZipFile(session) as content:
            return str(json.loads(content.read("task.json"))["name"])
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise IntegrityError(f"{session}: not a session that ClearML has recorded") from error


def _changed_s(entry: Path) -> float:
    """Returns when it was changed last; 0.0 once it is gone."""
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _bytes_of(entry: Path) -> int:
    files = entry.rglob("*") if entry.is_dir() else (entry,)
    return sum(file.stat().st_size for file in files if file.is_file())
