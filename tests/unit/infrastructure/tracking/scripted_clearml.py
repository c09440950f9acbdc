"""A stand-in for the parts of `clearml` that our two scripts call."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


class Task:
    """Remembers what it was told. A session is a folder, and a zip beside it once it is closed."""

    def __init__(self, folder: Path, status: str = "created") -> None:
        self.id = "t1"
        self.folder = folder
        self.status = status
        self.told: list[tuple[Any, ...]] = []
        self.refuses = False
        self.session = self

    def get_logger(self) -> "Task":
        return self

    def get_output_log_web_page(self) -> str:
        return f"https://clearml.test/{self.id}"

    def get_offline_mode_folder(self) -> str:
        return str(self.folder)

    def set_parameters_as_dict(self, values: dict[str, Any]) -> None:
        self.told.append(("parameters", values))

    def set_comment(self, text: str) -> None:
        self.told.append(("comment", text))

    def mark_failed(self, *, status_reason: str, force: bool) -> None:
        assert force
        self.told.append(("failed", status_reason))

    def mark_started(self, *, force: bool) -> None:
        assert force
        self.told.append(("started",))

    def mark_completed(self) -> None:
        self.told.append(("completed",))

    def close(self) -> None:
        self.told.append(("close",))
        Path(f"{self.folder}.zip").write_text("session")

    def send(self, request: Any) -> Any:
        self.told.append(("events", request.requests))
        return SimpleNamespace(ok=lambda: not self.refuses, meta="no room")


class ClearML:
    """The module: `task` is the one there is; `calls` are those of its class."""

    def __init__(self, folder: Path) -> None:
        self.task = Task(folder)
        self.calls: list[tuple[str, Any]] = []

    def set_offline(self, on: bool) -> None:
        self.calls.append(("offline", on))

    def set_credentials(self, **server: str) -> None:
        self.calls.append(("credentials", server))

    def init(self, **options: Any) -> Task:
        self.calls.append(("init", options))
        return self.task

    def get_task(self, *, task_id: str) -> Task:
        self.calls.append(("get", task_id))
        return self.task

    def import_task(self, told: dict[str, Any]) -> Task:
        self.calls.append(("import", told["id"]))
        return self.task

    def import_offline_session(self, folder: str) -> str:
        self.calls.append(("import session", sorted(p.name for p in Path(folder).iterdir())))
        return self.task.id

    def named(self, name: str) -> list[Any]:
        return [told for call, told in self.calls if call == name]


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ClearML:
    """Puts the stand-in in ClearML's place."""
    clearml = ClearML(folder)
    modules: dict[str, Any] = {
        name: ModuleType(name)
        for name in ("clearml", "clearml.backend_api", "clearml.backend_api.services")
    }
    modules["clearml"].Task = clearml
    events = SimpleNamespace(AddBatchRequest=lambda requests: SimpleNamespace(requests=requests))
    modules["clearml.backend_api.services"].events = events
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return clearml
