"""Remembers across processes what could not be had, so that not every command waits for it."""

import contextlib
import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

_HOLD = timedelta(hours=1)


class FailureMemory:
    """Keeps the reason of a failure for an hour.

    Args:
        folder: where the notes lie; one that cannot be written costs the wait each time.
        clock: returns the present time.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._clock = clock

    def reason(self, name: str) -> str | None:
        """Returns why `name` could not be had within the last hour, or None."""
        try:
            note = json.loads(self._note(name).read_text(encoding="utf-8"))
            age = self._clock() - datetime.fromisoformat(note["at"])
            return str(note["reason"]) if timedelta(0) <= age < _HOLD else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, name: str, reason: str) -> None:
        """Notes the reason down."""
        note = json.dumps({"name": name, "at": self._clock().isoformat(), "reason": reason})
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._note(name).write_text(note, encoding="utf-8")

    def _note(self, name: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.json"
