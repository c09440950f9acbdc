"""Runs as a process of its own: brings one offline session to a ClearML server.

ClearML's own import makes another task each time, and only warns of what the server did not take.
"""

import json
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def events_of(folder: Path, offline_id: str, task_id: str) -> Iterator[list[dict[str, Any]]]:
    """Yields the batches of a session's scalars and plots, as those of another task."""
    metrics = folder / "metrics.jsonl"
    lines = metrics.read_text(encoding="utf-8").splitlines() if metrics.exists() else []
    for line in lines:
        batch = [event for event in json.loads(line) if event["task"] == offline_id]
        yield [{**event, "task": task_id} for event in batch]


def upload(order: dict[str, Any]) -> dict[str, str]:
    """Returns task and page of a session that the server has taken."""
    from clearml import Task  # noqa: PLC0415 - a second to import; tests need the rest alone

    Task.set_credentials(**order["server"])
    folder = Path(order["folder"])
    with zipfile.ZipFile(order["zip"]) as session:
        session.extractall(folder)  # our own: made by ClearML from our records
    if order["series"]:
        task = _continued(Task, folder, order["continues"])
    else:
        task = Task.get_task(task_id=Task.import_offline_session(str(folder)))
    return {"task": task.id, "page": task.get_output_log_web_page()}


def _continued(tasks: Any, folder: Path, former: str | None) -> Any:
    """Returns the task that goes on, or a new one, with what the session has."""
    from clearml.backend_api.services import events  # noqa: PLC0415

    told = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    task = tasks.get_task(task_id=former) if former else tasks.import_task(told)
    runs = str(task.status) == "in_progress"  # a service is at it: it stays running
    if not runs:
        task.mark_started(force=True)
    for batch in events_of(folder, told["id"], task.id):
        taken = task.session.send(events.AddBatchRequest(requests=batch)) if batch else None
        if taken is not None and not taken.ok():
            raise OSError(f"the server did not take {len(batch)} records: {taken.meta}")
    if not runs:
        task.mark_completed()
    return task


if __name__ == "__main__":
    answer = os.dup(1)
    sys.stdout = sys.stderr  # ClearML prints; standard output is for our one answer
    done = upload(json.loads(sys.stdin.buffer.readline()))
    os.write(answer, json.dumps(done).encode() + b"\n")
