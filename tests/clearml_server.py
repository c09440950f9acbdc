"""A stand-in for a ClearML server: keeps the tasks and the events that it is sent."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.loopback import QuietHandler, listening


@dataclass
class ClearMLServer:
    """What was sent. With `refuses`, events are answered 400."""

    url: str = ""
    refuses: bool = False
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)

    def points(self, task: str, title: str, series: str) -> list[int]:
        """Returns the iterations of a scalar, in order."""
        return sorted(
            event["iter"]
            for event in self.events
            if (event["task"], event.get("metric"), event.get("variant")) == (task, title, series)
        )

    def answer(self, call: str, told: dict[str, Any]) -> dict[str, Any]:
        """Returns the data that a call is answered with."""
        task = self.tasks.get(told.get("task", ""), {})
        match call:
            case "auth.login":
                return {"token": _token()}
            case "projects.get_all":
                return {"projects": [{"id": "p1", "name": "LLM Pipeline System"}]}
            case "tasks.create" | "tasks.import":
                task_id = f"{len(self.tasks) + 1:032x}"
                self.tasks[task_id] = {**told, "id": task_id, "status": "created"}
                return {"id": task_id}
            case "tasks.get_by_id":
                return {"task": task}
            case "tasks.get_all":
                asked = [self.tasks.get(one) for one in told.get("id", ())]
                return {"tasks": [one for one in asked if one]}
            case "tasks.started" | "tasks.completed" | "tasks.stopped" | "tasks.failed":
                task["status"] = {"started": "in_progress"}.get(call[6:], call[6:])
            case "tasks.edit":
                task |= {key: value for key, value in told.items() if key not in ("task", "force")}
        return {"updated": 1}


def _token() -> str:
    claims = {"exp": time.time() + 3600, "api_version": "2.30", "server_version": "1.15"}
    parts = ({"alg": "HS256", "typ": "JWT"}, {**claims, "feature_set": "basic", "env": {}})
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join((*coded, b"eHh4")).decode()


@contextmanager
def clearml_server() -> Iterator[ClearMLServer]:
    """Yields a server that listens on loopback."""
    seen = ClearMLServer()

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            call = self.path.split("?")[0].rsplit("/", 1)[-1]
            sent = [json.loads(line) for line in self.body().decode().splitlines()]
            refused = call == "events.add_batch" and seen.refuses
            data: dict[str, Any] = {}
            if call == "events.add_batch" and not refused:
                seen.events += sent
            elif not refused:
                data = seen.answer(call, sent[0] if sent else {})
            endpoint = {"name": call, "requested_version": "2.30", "actual_version": "2.30"}
            meta = {"id": "1", "trx": "1", "endpoint": endpoint, "result_subcode": 0}
            code, said = (400, "no more events") if refused else (200, "OK")
            meta |= {"result_code": code, "result_msg": said, "error_stack": "", "error_data": {}}
            self.reply(code, json.dumps({"meta": meta, "data": data}).encode())

    with listening(Handler) as seen.url:
        yield seen
