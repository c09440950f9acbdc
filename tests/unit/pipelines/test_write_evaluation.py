"""What an evaluation leaves behind: a page, data, rankings, and a task of the tracker."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path

import pytest

from llm_engineering.application.evaluation.collection import JudgedQuestion
from llm_engineering.application.evaluation.retrieval import Answered
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.evaluation import EvaluationReport
from llm_engineering.domain.queries import Retrieval, ScoredChunk
from llm_engineering.infrastructure.in_memory.tracking import InMemoryTask, InMemoryTracker
from pipelines.steps.write_evaluation import write_report, write_runs
from tests.builders import make_chunk
from tests.unit.application.evaluation.test_page import ANSWERS, SELF_QUERY, report, variant


def answered(question: str, *scores: float) -> Answered:
    found = {
        f"d{n}": ScoredChunk(chunk=make_chunk(), scores={"fusion": score})
        for n, score in enumerate(scores)
    }
    judged = JudgedQuestion(question, "Where?", {"d0": 1})
    return Answered(judged, found, Retrieval(passages=()))


def lines(path: Path) -> list[dict[str, Sequence[Sequence[object]]]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


# --- rankings


def test_one_variant_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    target = tmp_path / "new" / "run.jsonl"
    assert write_runs(target, {"bm25": [answered("q1", 0.5, 0.25)]}) == [target]
    assert lines(target) == [{"q1": [["d0", 0.5], ["d1", 0.25]]}]


def test_several_variants_carry_their_names(tmp_path: Path) -> None:
    runs = {"bm25": [answered("q1", 1.0)], "hybrid+rerank": [answered("q1")]}
    written = write_runs(tmp_path / "run.txt", runs)
    assert [path.name for path in written] == ["run.bm25.txt", "run.hybrid+rerank.txt"]
    assert lines(written[1]) == [{"q1": []}]


@pytest.mark.parametrize("question", ["q/1", "größe", "🚢", 'say "x"', "a\\b"])
def test_ids_of_any_kind_come_back(tmp_path: Path, question: str) -> None:
    target = tmp_path / "run.jsonl"
    write_runs(target, {"bm25": [answered(question, 0.1)]})
    assert list(lines(target)[0]) == [question]


def test_a_run_that_is_there_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "run.jsonl"
    target.write_text("older\n" * 9, "utf-8")
    write_runs(target, {"bm25": [answered("q1")]})
    assert lines(target) == [{"q1": []}]


def test_no_variants_write_nothing(tmp_path: Path) -> None:
    assert write_runs(tmp_path / "run.jsonl", {}) == []
    assert list(tmp_path.iterdir()) == []


# --- the report


def test_the_tracker_has_what_the_report_has(tmp_path: Path) -> None:
    tracker = InMemoryTracker()
    found = report(variant("bm25", 0.4), variant("hybrid", 0.6))
    written = write_report(tmp_path / "out", "harbour", found, SELF_QUERY, tracker, ANSWERS)
    (task,) = tracker.tasks
    assert (task.name, task.kind, task.outcome) == ("evaluation harbour", "testing", "done")
    assert written.tracked_at == task.location
    titles = [title for title, *_ in task.recorded_scalars]
    assert titles == ["quality", "cpu ms", "quality", "cpu ms", "self-query", "answers"]
    quality = {
        name: value
        for title, _, values in task.recorded_scalars
        if title == "quality"
        for name, value in values.items()
    }
    assert quality["bm25 nDCG@10"] == 0.4
    assert quality["hybrid nDCG@10"] == 0.6
    ((title, _, rows),) = task.recorded_tables
    assert (title, len(rows)) == ("differences", len(found.comparisons))
    assert task.recorded_parameters["model"] == ANSWERS.model
    assert set(task.recorded_artifacts) == {"report", "figures"}


def test_data_and_page_say_the_same(tmp_path: Path) -> None:
    written = write_report(
        tmp_path / "out", "harbour", None, SELF_QUERY, InMemoryTracker(), ANSWERS
    )
    data = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert EvaluationReport.model_validate(data) == written
    assert written.html == str(tmp_path / "out" / "report.html")
    page = Path(written.html).read_text("utf-8")
    assert "<title>Evaluation: harbour</title>" in page
    assert "<svg" not in page


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", 'a"b', "größe & co"])
def test_a_name_is_no_markup(tmp_path: Path, name: str) -> None:
    written = write_report(tmp_path, name, None, SELF_QUERY, InMemoryTracker())
    page = Path(written.html).read_text("utf-8")
    assert f"<title>Evaluation: {escape(name)}</title>" in page
    assert "<script>alert" not in page


class Down(InMemoryTracker):
    """Cannot be reached."""

    @contextmanager
    def task(self, name: str, kind: str, *, continues: bool = False) -> Iterator[InMemoryTask]:
        raise StoreUnavailable(f"no task {name}, {kind}, {continues}")
        yield


def test_a_tracker_that_is_down_leaves_the_page(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        write_report(tmp_path, "harbour", None, SELF_QUERY, Down())
    assert (tmp_path / "report.html").is_file()
