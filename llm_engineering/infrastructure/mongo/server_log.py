"""What a mongod that did not start says about it."""

import json
import shutil
from pathlib import Path

_FULL_BYTES = 64 * 1024 * 1024
_READ_BYTES = 256 * 1024
_LONGEST = 300


def why_it_ended(folder: Path, log: Path) -> str:
    """Returns one line: the disk is full, or the first error in the log, or its last line."""
    if full := full_disk(folder):
        return full
    lines = _tail(log)
    last = lines[-1] if lines else "it said nothing"
    # the first one is the cause: an abort follows it, and speaks of itself
    told = next((told for told in map(_error, lines) if told), last)
    return f"{' '.join(told.split())[:_LONGEST]} (log: {log})"


def full_disk(folder: Path) -> str | None:
    """Returns that the disk of a folder is full, if it is too full for a server."""
    free = shutil.disk_usage(folder).free
    if free < _FULL_BYTES:
        return f"the disk of {folder} is full ({free // 2**20} MiB free)"
    return None


def _tail(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _READ_BYTES))
            return [line for line in file.read().decode(errors="replace").splitlines() if line]
    except OSError:
        return []


def _error(line: str) -> str | None:
    """Returns the message of a log line of severity error or fatal."""
    try:
        entry = json.loads(line)
        if entry["s"] not in ("E", "F"):
            return None
        message, attributes = entry["msg"], entry.get("attr", {})
    except (ValueError, KeyError, TypeError):
        return None
    detail = attributes.get("message") or attributes.get("error") or attributes.get("msgid")
    if isinstance(detail, dict):  # WiredTiger's own structure
        detail = detail.get("msg", detail)
    return f"{message}: {detail}" if detail else str(message)
