"""One ClearML task: records go to a file, which a process of its own hands to ClearML."""

import contextlib
import json
import logging
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from llm_engineering.domain.redaction import Redaction
from llm_engineering.infrastructure.tracking import clearml_process
from llm_engineering.infrastructure.tracking.series import Series

OFFLINE_S = 300.0  # it only has to write a zip; a busy machine starts slowly

Server = dict[str, str | None]

_log = logging.getLogger(__name__)


class ClearMLTask:
    """One task: its records go to a file, which a process of its own hands to ClearML.

    Args:
        order: project, name and kind of the task.
        work: a folder for it alone; the session becomes a zip beside it.
        server: None records offline.
        patience_s: seconds that the server gets.
        redaction: what every text goes through before it is written anywhere.
        series: of a task that goes on.
    """

    def __init__(
        self,
        order: Mapping[str, str],
        work: Path,
        server: Server | None,
        patience_s: float,
        redaction: Redaction,
        series: Series | None = None,
    ) -> None:
        self._order = order
        self._redaction = redaction
        self._series = series
        self._last_iteration = series.last_iteration if series else 0
        self._patience_s = patience_s
        self._work = work
        self._zip = work.with_suffix(".zip")
        self._online = server is not None
        self._spool: IO[str] = (work / "records.jsonl").open("w", encoding="utf-8", buffering=1)
        self._process = self._start(server)
        self._page: str | None = None
        self._answered = False

    def parameters(self, values: Mapping[str, object]) -> None:
        """Records the configuration of the run."""
        self._record("parameters", values=dict(values))

    def scalars(self, title: str, values: Mapping[str, float], iteration: int) -> None:
        """Records a point of each series below `title` at its true iteration."""
        self._record("scalars", title=title, values=dict(values), iteration=iteration)
        self._reach(iteration)

    def table(self, title: str, rows: Sequence[Mapping[str, object]], iteration: int) -> None:
        """Records a table; the rows share their keys."""
        if not rows:
            return
        columns = list(rows[0])
        cells = [[row[column] for column in columns] for row in rows]
        self._record("table", title=title, columns=columns, rows=cells, iteration=iteration)
        self._reach(iteration)

    def bars(
        self,
        title: str,
        labels: Sequence[str],
        series: Mapping[str, Sequence[float]],
        iteration: int,
        *,
        unit: str,
        log: bool = False,
    ) -> None:
        """Records a plot: each series has a bar for each label, of so many `unit`."""
        shown = {
            "data": [
                {"type": "bar", "name": name, "x": list(labels), "y": list(values)}
                for name, values in series.items()
            ],
            "layout": {
                "barmode": "group",
                "yaxis": {"title": {"text": unit}, "type": "log" if log else "linear"},
            },
        }
        self._record("plot", title=title, figure=shown, iteration=iteration)
        self._reach(iteration)

    def artifact(self, name: str, content: Mapping[str, object] | Path) -> None:
        """Records a result: data, or a file, which is copied now."""
        if isinstance(content, Path):
            kept = Path(tempfile.mkdtemp(dir=self._work)) / content.name
            shutil.copyfile(content, kept)
            self._record("artifact", name=name, file=str(kept))
        else:
            self._record("artifact", name=name, content=dict(content))

    @property
    def last_iteration(self) -> int:
        """The highest iteration recorded so far, in former sessions too if the task goes on."""
        return self._last_iteration

    @property
    def location(self) -> str:
        """The task's page on the server, or the zip (written when the task is closed)."""
        return (self._answer() if self._online else None) or str(self._zip)

    def close(self, failure: str | None = None) -> None:
        """Waits for the server, with patience; then records offline what it did not take."""
        self._record("close", failure=failure)
        self._spool.close()
        if self._online and (self._answer() is None or not self._ended(self._patience_s)):
            self._stop()
            _log.warning("ClearML's server did not take %r; recorded offline", self._order["name"])
            self._online, self._page = False, None
            self._process = self._start(None)
        if not self._online and not self._ended(OFFLINE_S):
            _log.warning("ClearML made no session of %s", self._work)
            return
        shutil.rmtree(self._work)

    def _record(self, do: str, **fields: object) -> None:
        shown = {"do": do, **{name: self._redaction.value(field) for name, field in fields.items()}}
        self._spool.write(json.dumps(shown, default=str) + "\n")

    def _reach(self, iteration: int) -> None:
        if iteration > self._last_iteration:
            self._last_iteration = iteration
            if self._series:
                self._series.last_iteration = iteration

    def _start(self, server: Server | None) -> subprocess.Popen[bytes]:
        order = {
            **self._order,
            "server": server,
            "continues": self._series.task_id if self._series and server else None,
            "spool": str(self._work / "records.jsonl"),
            "zip": str(self._zip),
        }
        with (self._work / "clearml.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, "-P", clearml_process.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment(self._work),
                start_new_session=True,  # a Ctrl-C in the terminal is for us; it still closes
            )
        _give(process, order)
        return process

    def _answer(self) -> str | None:
        """Returns the page that the process answered with; None when it gave none in time."""
        if not self._answered:
            self._answered = True
            out = self._process.stdout
            ready = out is not None and select.select([out], [], [], self._patience_s)[0]
            line = out.readline() if ready and out is not None else b""
            said: dict[str, str | None] = json.loads(line) if line else {}
            self._page, task_id = said.get("page"), said.get("task")
            if self._series and self._page and task_id:
                self._series.task_id = task_id
        return self._page

    def _ended(self, limit_s: float) -> bool:
        """Returns whether the process ended well within the limit; in any case it is gone now."""
        try:
            return self._process.wait(limit_s) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            self._stop()

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def _give(process: subprocess.Popen[bytes], order: Mapping[str, object]) -> None:
    """Writes the order; standard input stays open, so that its end tells of ours."""
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # it ended at once; closing finds that out
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()


def environment(work: Path) -> dict[str, str]:
    """Returns our environment without any ClearML setting but those that keep it in `work`."""
    config = work / "clearml.conf"
    config.touch()
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("CLEARML_", "TRAINS_"))
    }
    return inherited | {
        "CLEARML_CACHE_DIR": str(work / "cache"),
        "CLEARML_CONFIG_FILE": str(config),
        "CLEARML_SUPPRESS_UPDATE_MESSAGE": "1",
        "TMPDIR": str(work),
    }
