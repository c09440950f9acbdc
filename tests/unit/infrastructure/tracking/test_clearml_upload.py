import json
from pathlib import Path

from llm_engineering.infrastructure.tracking.clearml_upload import events_of


def test_events_become_those_of_the_task_that_goes_on(tmp_path: Path) -> None:
    batches = [
        [{"task": "offline-1", "iter": 1}, {"task": "another", "iter": 9}],
        [{"task": "offline-1", "iter": 2}],
    ]
    lines = "".join(json.dumps(batch) + "\n" for batch in batches)
    (tmp_path / "metrics.jsonl").write_text(lines)
    assert list(events_of(tmp_path, "offline-1", "b2")) == [
        [{"task": "b2", "iter": 1}],
        [{"task": "b2", "iter": 2}],
    ]


def test_a_session_without_scalars_has_no_events(tmp_path: Path) -> None:
    assert list(events_of(tmp_path, "offline-1", "b2")) == []
