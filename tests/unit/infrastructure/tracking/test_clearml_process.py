import json
from pathlib import Path
from typing import Any

import pytest

from llm_engineering.infrastructure.tracking.clearml_process import follow, report, report_or_say

CLOSE = {"do": "close", "failure": None}


def write(spool: Path, *records: dict[str, Any]) -> None:
    with spool.open("a") as lines:
        lines.writelines(json.dumps(record) + "\n" for record in records)


def test_records_are_followed_until_close(tmp_path: Path) -> None:
    spool = tmp_path / "records.jsonl"
    write(spool, {"do": "a"}, CLOSE, {"do": "never read"})
    assert list(follow(spool, lambda _: False)) == [{"do": "a"}, CLOSE]


def test_a_record_that_grows_while_it_is_read_is_read_whole(tmp_path: Path) -> None:
    spool = tmp_path / "records.jsonl"
    spool.write_text('{"do": ')
    pieces = iter(['"a", "values":', " [1, 2]}\n", json.dumps(CLOSE) + "\n"])

    def writer_goes_on(_: float) -> bool:
        with spool.open("a") as lines:
            lines.write(next(pieces))
        return False

    assert list(follow(spool, writer_goes_on)) == [{"do": "a", "values": [1, 2]}, CLOSE]


def test_what_a_dead_writer_left_is_read_to_its_end(tmp_path: Path) -> None:
    spool = tmp_path / "records.jsonl"
    spool.touch()

    def writes_and_dies(_: float) -> bool:
        write(spool, {"do": "a"})
        with spool.open("a") as lines:
            lines.write('{"do": "cut o')
        return True

    first, last = follow(spool, writes_and_dies)
    assert first == {"do": "a"}
    assert (last["do"], last["failure"]) == (
        "close",
        "the process that wrote the records ended early",
    )


class FakeTask:
    """Remembers what ClearML was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def get_logger(self) -> "FakeTask":
        return self

    def set_parameters_as_dict(self, values: dict[str, Any]) -> None:
        self.told.append(("parameters", values))

    def report_scalar(self, title: str, series: str, value: float, iteration: int) -> None:
        self.told.append((title, series, value, iteration))

    def report_table(
        self, title: str, series: str, iteration: int, table_plot: list[list[object]]
    ) -> None:
        self.told.append((title, iteration, table_plot))

    def report_plotly(
        self, title: str, series: str, figure: dict[str, Any], iteration: int
    ) -> None:
        self.told.append((title, series, figure, iteration))

    def upload_artifact(self, name: str, artifact_object: object, wait_on_upload: bool) -> None:
        self.told.append((name, artifact_object))

    def report_image(self, title: str, series: str, iteration: int, local_path: str) -> None:
        self.told.append(("image", title, local_path))


def test_each_record_goes_to_its_own_call() -> None:
    task = FakeTask()
    report(task, {"do": "parameters", "values": {"seed": 1}})
    report(task, {"do": "scalars", "title": "t", "values": {"a": 1.0, "b": 2.0}, "iteration": 9})
    report(task, {"do": "table", "title": "t", "columns": ["x"], "rows": [[1]], "iteration": 4})
    report(task, {"do": "plot", "title": "t", "figure": {"data": []}, "iteration": 5})
    report(task, {"do": "artifact", "name": "r", "content": {"k": 1}})
    report(task, {"do": "artifact", "name": "c", "file": "/somewhere/curve.png"})
    assert task.told == [
        ("parameters", {"seed": 1}),
        ("t", "a", 1.0, 9),
        ("t", "b", 2.0, 9),
        ("t", 4, [["x"], [1]]),
        ("t", "bars", {"data": []}, 5),
        ("r", {"k": 1}),
        ("c", Path("/somewhere/curve.png")),
        ("image", "c", "/somewhere/curve.png"),
    ]


def test_a_record_that_clearml_refuses_does_not_stop_the_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    task = FakeTask()
    report_or_say(task, {"do": "scalars", "title": "t", "values": None, "iteration": 1})
    report_or_say(task, {"do": "parameters", "values": {"seed": 1}})
    assert task.told == [("parameters", {"seed": 1})]
    assert capsys.readouterr().err.startswith("scalars: ")
