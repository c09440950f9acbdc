"""Step: write an evaluation down, as a page, as data, as runs, and to the tracker."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from llm_engineering.application.evaluation.page import report_page
from llm_engineering.application.evaluation.retrieval import Answered
from llm_engineering.application.ports.tracking import ExperimentTask, ExperimentTracker
from llm_engineering.domain.evaluation import (
    EvaluationReport,
    QaReport,
    RetrievalReport,
    SelfQueryReport,
)
from pipelines.steps.evaluation_plots import draw_figures


def write_report(
    folder: Path,
    name: str,
    retrieval: RetrievalReport | None,
    self_query: SelfQueryReport | None,
    tracker: ExperimentTracker,
    answers: QaReport | None = None,
) -> EvaluationReport:
    """Writes `report.html` and `report.json` into a folder, and records them in the tracker."""
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / "report.html", folder / "report.json"
    figures = draw_figures(retrieval) if retrieval else {}
    title = f"Evaluation: {name}"
    page.write_text(report_page(title, retrieval, self_query, figures, answers), "utf-8")
    with tracker.task(f"evaluation {name}", "testing") as task:
        report = EvaluationReport(
            retrieval=retrieval,
            self_query=self_query,
            answers=answers,
            html=str(page),
            tracked_at=task.location,
        )
        data.write_text(report.model_dump_json(indent=2) + "\n", "utf-8")
        _record(task, report)
        task.artifact("report", page)
        task.artifact("figures", data)
    return report


def _record(task: ExperimentTask, report: EvaluationReport) -> None:
    if report.retrieval:
        found = report.retrieval
        counts = found.model_dump(include={"source", "documents", "chunks", "questions", "seed"})
        task.parameters({**counts, **{one.variant: one.config for one in found.variants}})
        for one in found.variants:
            task.scalars(
                "quality", {f"{one.variant} {n}": i.mean for n, i in one.metrics.items()}, 0
            )
            task.scalars("cpu ms", {f"{one.variant} {n}": ms for n, ms in one.cpu_ms.items()}, 0)
        task.table(
            "differences",
            [
                {"variant": c.variant, "baseline": c.baseline, **dict(c.difference)}
                for c in found.comparisons
            ],
            0,
        )
    if report.self_query:
        shares = report.self_query.model_dump(exclude={"misses"}, exclude_none=True)
        task.scalars("self-query", {name: float(value) for name, value in shares.items()}, 0)
    if report.answers:
        told = {"source", "model", "prompt", "questions", "seed"}
        task.parameters(report.answers.model_dump(include=told))
        task.scalars("answers", {name: one.mean for name, one in report.answers.shares.items()}, 0)


def write_runs(path: Path, runs: Mapping[str, Sequence[Answered]]) -> list[Path]:
    """Writes each variant's rankings, one question a line: `{qid: [[docid, score], ...]}`.

    One variant goes to `path`, several to files beside it that carry the variant's name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = []
    for variant, answered in runs.items():
        named = path.with_name(f"{path.stem}.{variant}{path.suffix}")
        target = named if len(runs) > 1 else path
        lines = (json.dumps({one.question.id: one.ranking}) for one in answered)
        target.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        written.append(target)
    return written
