"""What a service tells ClearML and a collector of its questions, and that neither holds it up."""

import json
import time
import zipfile
from pathlib import Path
from typing import Any

from tests.e2e.workplace import Served, Workplace
from tests.integration.test_tracked_questions import iterations_in
from tests.observers import collecting, hanging_clearml

CANARY = "canary@example.org"


def events_of(file: Path) -> list[dict[str, Any]]:
    with zipfile.ZipFile(file) as session:
        lines = session.read("metrics.jsonl").decode().splitlines()
    return [event for line in lines for event in json.loads(line)]


def test_questions_and_votes_are_told_though_clearml_hangs(workplace: Workplace) -> None:
    with hanging_clearml() as clearml, collecting() as collector:
        workplace.settings = {
            "CLEARML_API_HOST": clearml,
            "CLEARML_WEB_HOST": clearml,
            "CLEARML_FILES_HOST": clearml,
            "CLEARML_API_ACCESS_KEY": "access",
            "CLEARML_API_SECRET_KEY": "a-secret-canary",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        }
        service = Served(workplace)
        began = time.monotonic()
        for _ in range(3):
            asked = service.ask(f"Who is {CANARY}, and is a-secret-canary a secret?")
            assert asked.status_code == 200, asked.text
        assert time.monotonic() - began < 10, "nobody waits for ClearML"
        request_id = asked.json()["request_id"]
        assert service.post("/feedback", request_id=request_id, vote="up").status_code == 200
        assert service.stop() == 0

    spans = collector.spans
    assert [span.name for span in spans].count("rag.request") == 3
    (session,) = (workplace.data / "clearml-questions").glob("*.zip")
    events = events_of(session)
    assert iterations_in(events) == [1, 2, 3]
    plots = {e["metric"]: e["plot_str"] for e in events if e["type"] == "plot"}
    assert "Who is [redacted]" in plots["questions"]
    assert request_id in plots["questions"]
    assert request_id in plots["feedback"]
    told = b"".join(collector.bodies) + json.dumps(events).encode()
    assert b"canary" not in told
