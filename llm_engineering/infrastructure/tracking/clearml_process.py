"""Runs as a process of its own: hands the records of one task to ClearML.

`Task.init` takes over the signal handlers, `sys.exit`, the exception hook, `os.fork` and the random
seeds of its process, and hangs for minutes when the server goes away. So it gets a process that
holds nothing else: `clearml_tracker` starts this file as a script and writes the records, one JSON
object a line, to a file that is read here as it grows. The records end with `close`, or with the
end of standard input, which means that the process that wrote them is gone.
"""

import contextlib
import json
import os
import select
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ANSWER_FD = 1
POLL_S = 0.2
LOWER_PRIORITY = 10
FRAMEWORKS = (
    "detect_repository",
    "hydra",
    "scikit",
    "joblib",
    "matplotlib",
    "tensorflow",
    "tensorboard",
    "pytorch",
    "megengine",
    "xgboost",
    "catboost",
    "fastai",
    "lightgbm",
    "gradio",
)
IMAGES = frozenset({".png", ".jpg", ".jpeg"})


def follow(spool: Path, writer_is_gone: Callable[[float], bool]) -> Iterator[dict[str, Any]]:
    """Yields the records of a growing file until `close`; makes one up when the writer is gone.

    `writer_is_gone` waits at most that many seconds for an answer.
    """
    with spool.open(encoding="utf-8") as lines:
        rest = ""
        gone = False
        while True:
            rest += lines.readline()
            if rest.endswith("\n"):
                record = json.loads(rest)
                rest = ""
                yield record
                if record["do"] == "close":
                    return
            elif gone:
                yield {"do": "close", "failure": "the process that wrote the records ended early"}
                return
            else:
                gone = writer_is_gone(POLL_S)


def stdin_has_ended(wait_s: float) -> bool:
    """Returns whether standard input came to its end within `wait_s` seconds."""
    readable, _, _ = select.select([sys.stdin.buffer], [], [], wait_s)
    return bool(readable) and not sys.stdin.buffer.read(1)


def report_or_say(task: Any, record: dict[str, Any]) -> None:
    """Hands one record to ClearML; one that it refuses must not take the others with it."""
    try:
        report(task, record)
    except Exception as error:  # noqa: BLE001 - the edge of a process; ClearML raises anything
        sys.stderr.write(f"{record['do']}: {error}\n")


def report(task: Any, record: dict[str, Any]) -> None:
    """Hands one record to ClearML."""
    logger = task.get_logger()
    match record["do"]:
        case "parameters":
            task.set_parameters_as_dict(record["values"])
        case "scalars":
            for series, value in record["values"].items():
                logger.report_scalar(
                    record["title"], series, value=value, iteration=record["iteration"]
                )
        case "table":
            logger.report_table(
                record["title"],
                series="rows",
                iteration=record["iteration"],
                table_plot=[record["columns"], *record["rows"]],
            )
        case "plot":
            logger.report_plotly(
                record["title"],
                series="bars",
                figure=record["figure"],
                iteration=record["iteration"],
            )
        case "artifact":
            _artifact(task, logger, record)


def _artifact(task: Any, logger: Any, record: dict[str, Any]) -> None:
    content = Path(record["file"]) if "file" in record else record["content"]
    task.upload_artifact(record["name"], artifact_object=content, wait_on_upload=True)
    if isinstance(content, Path) and content.suffix in IMAGES:
        logger.report_image(record["name"], "file", iteration=0, local_path=str(content))


def open_task(order: dict[str, Any]) -> Any:
    """Returns the ClearML task of an order: of the server it names, or offline."""
    from clearml import Task  # noqa: PLC0415 - a second to import; tests need the rest alone

    if order["server"] is None:
        Task.set_offline(True)
    else:
        Task.set_credentials(**order["server"])
    former = order.get("continues")
    return Task.init(
        project_name=order["project"],
        task_name=order["name"],
        task_type=order["kind"],
        reuse_last_task_id=former or False,
        continue_last_task=0 if former else False,  # 0: our iterations are its own already
        auto_connect_arg_parser=False,
        auto_connect_frameworks=dict.fromkeys(FRAMEWORKS, False),
        auto_resource_monitoring=False,
        auto_connect_streams=False,
    )


def answer(page: str | None, task: str) -> None:
    """Tells the process that started this one where to look at the task, and its id."""
    with contextlib.suppress(BrokenPipeError):  # it is gone; what it wrote is still recorded
        os.write(ANSWER_FD, json.dumps({"page": page, "task": task}).encode() + b"\n")


def main(order: dict[str, Any]) -> None:
    """Carries an order out: opens the task, answers with its page, reports, closes."""
    os.nice(LOWER_PRIORITY)  # tables take it tens of milliseconds, which questions would wait for
    task = open_task(order)
    offline = order["server"] is None
    answer(None if offline else task.get_output_log_web_page(), task.id)
    for record in follow(Path(order["spool"]), stdin_has_ended):
        if record["do"] != "close":
            report_or_say(task, record)
        elif record["failure"]:
            task.set_comment(f"failed: {record['failure']}")  # an offline session has no status
            task.mark_failed(status_reason=record["failure"], force=True)
    folder = task.get_offline_mode_folder()
    task.close()
    if offline:
        Path(f"{folder}.zip").rename(order["zip"])
    else:  # ClearML drops silently what a dead server does not take: then we end with an error
        urlopen(f"{order['server']['api_host']}/debug.ping", timeout=2).close()  # noqa: S310 - the probed host


if __name__ == "__main__":
    sys.stdout = sys.stderr  # ClearML prints; standard output is for our one answer
    main(json.loads(sys.stdin.buffer.readline()))
