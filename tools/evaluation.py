"""How well search and answers work: `run` measures, `tune` chooses the settings of search."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from llm_engineering.application.evaluation.config import EvaluationConfig
from llm_engineering.application.evaluation.metrics import METRICS
from llm_engineering.application.evaluation.tuning import TuneReport
from llm_engineering.application.evaluation.variants import VARIANTS
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.evaluation import (
    EvaluationReport,
    QaReport,
    RetrievalReport,
    SelfQueryReport,
)
from llm_engineering.settings import load_config
from tools.console import RichProgress, command, main, print_json, print_result

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

Json = Annotated[bool, typer.Option("--json", help="Print data instead of text.")]
Dataset = Annotated[
    Path | None,
    typer.Option(help="Folder with corpus.jsonl, queries.jsonl, qrels.tsv. Else: your own corpus."),
]
Config = Annotated[Path, typer.Option(help="Default: configs/evaluation.yaml")]
Features = Annotated[Path, typer.Option(help="How texts are cut. Default: configs/feature.yaml")]


@app.command()
def run(
    dataset: Dataset = None,
    variant: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(VARIANTS)}; repeatable. Default: all.")
    ] = None,
    self_query: Annotated[
        Path | None, typer.Option(help="JSONL of query and expected_filter.")
    ] = None,
    qa: Annotated[
        Path | None,
        typer.Option(help="JSONL of question, context_id, context, answers, is_impossible."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="With --qa: so many of the questions. Default: all.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="With --qa: draws them. Default: of the config.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="With --qa: the chat model, as in 'poe ask --model'.")
    ] = None,
    run_out: Annotated[
        Path | None, typer.Option(help="Write the rankings: {query id: [[document id, score], …]}.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder of the report. Default: in DATA_DIR/evaluation.")
    ] = None,
    new_questions: Annotated[
        bool, typer.Option("--new-questions", help="Make questions of your corpus anew.")
    ] = False,
    config: Config = Path("configs/evaluation.yaml"),
    feature_config: Features = Path("configs/feature.yaml"),
    as_json: Json = False,
) -> None:
    """Measures the variants of retrieval against each other, or answers (--qa)."""
    from pipelines.evaluation import EvaluationRequest, run_evaluation  # noqa: PLC0415 - brings langchain_core: seconds

    with command() as platform:
        measured = run_evaluation(
            platform,
            _with_variants(load_config(config, EvaluationConfig), variant or []),
            load_config(feature_config, FeatureConfig),
            EvaluationRequest(
                dataset, self_query, run_out, report, new_questions, qa, limit, seed, model
            ),
            RichProgress(),
        )
        if as_json:
            print_json(measured.model_dump_json(indent=2))
            return
        if measured.retrieval:
            Console().print(quality_table(measured.retrieval))
            Console().print(difference_table(measured.retrieval))
        if measured.self_query:
            Console().print(self_query_table(measured.self_query))
        if measured.answers:
            Console().print(answer_table(measured.answers))
        print_result(evaluation_line(measured), f"open {measured.html}")


@app.command()
def tune(
    dataset: Dataset = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write no file.")] = False,
    config: Config = Path("configs/evaluation.yaml"),
    feature_config: Features = Path("configs/feature.yaml"),
    as_json: Json = False,
) -> None:
    """Chooses fusion weight, candidates, chunk size and reranking on half of the questions."""
    from pipelines.tuning import TuneRequest, run_tuning  # noqa: PLC0415 - as above

    with command() as platform:
        tuned = run_tuning(
            platform,
            load_config(config, EvaluationConfig),
            load_config(feature_config, FeatureConfig),
            TuneRequest(platform.settings.RAG_CONFIG, feature_config, dataset, dry_run),
            RichProgress(),
        )
        if as_json:
            print_json(tuned.model_dump_json(indent=2))
            return
        Console().print(trial_table(tuned))
        rebuild = tuned.changed and tuned.chosen["chunk_tokens"] != tuned.default["chunk_tokens"]
        print_result(tune_line(tuned), "poe run-feature" if rebuild else "poe run-evaluation")


def _with_variants(config: EvaluationConfig, variants: list[str]) -> EvaluationConfig:
    for name in variants:
        if name not in VARIANTS:
            raise InvalidInput(f"--variant: {name!r} (allowed: {', '.join(VARIANTS)})")
    chosen = {"variants": variants} if variants else {}
    return EvaluationConfig.model_validate({**config.model_dump(), **chosen})


def quality_table(report: RetrievalReport) -> Table:
    """Returns a row for each variant: the metrics, the interval of the first, and its cost."""
    table = Table(box=None, header_style="bold")
    table.add_column("variant", no_wrap=True)
    for name in (METRICS[0], "95 %", *METRICS[1:], "CPU ms"):
        table.add_column(name.replace("Recall", "R"), justify="right", no_wrap=True)
    for one in report.variants:
        means = [f"{one.metrics[name].mean:.4f}" for name in METRICS]
        interval = one.metrics[METRICS[0]]
        between = f"{interval.low:.3f}-{interval.high:.3f}"
        cost = f"{one.cpu_ms.get('total', 0.0):.1f}"
        table.add_row(one.variant, means[0], between, *means[1:], cost)
    return table


def difference_table(report: RetrievalReport) -> Table:
    """Returns a row for each pair of variants."""
    table = Table(box=None, header_style="bold")
    for column in ("nDCG@10", "difference", "95 %", ""):
        table.add_column(column)
    for one in report.comparisons:
        gain = one.difference
        table.add_row(
            f"{one.variant} - {one.baseline}",
            f"{gain.mean:+.4f}",
            f"{gain.low:+.4f} to {gain.high:+.4f}",
            ("better" if gain.mean > 0 else "worse") if one.significant else "within chance",
        )
    return table


def self_query_table(report: SelfQueryReport) -> Table:
    """Returns the shares, and a row for each miss."""
    table = Table("question", "expected", "found", box=None, header_style="bold")
    for miss in report.misses:
        table.add_row(miss.query, miss.expected, miss.found)
    return table


def answer_table(report: QaReport) -> Table:
    """Returns a row for each share."""
    table = Table(report.model, "share", "95 %", box=None, header_style="bold")
    for name, one in report.shares.items():
        table.add_row(name, f"{one.mean:.3f}", f"{one.low:.3f}-{one.high:.3f}")
    return table


def trial_table(report: TuneReport) -> Table:
    """Returns a row for each combination that was tried."""
    table = Table(*report.default, "development nDCG@10", box=None, header_style="bold")
    for trial in report.trials:
        values = [f"{value:g}" for value in trial.setting.values()]
        table.add_row(*values, f"{trial.development:.4f}")
    return table


def evaluation_line(report: EvaluationReport) -> str:
    """Returns the run in one line."""
    parts = []
    if report.retrieval:
        found = report.retrieval
        best = max(found.variants, key=lambda one: one.metrics[METRICS[0]].mean)
        parts.append(
            f"{found.source}: {found.questions:,} questions on {found.documents:,} documents; best "
            f"{best.variant}, {METRICS[0]} {best.metrics[METRICS[0]].mean:.4f} (seed {found.seed})"
        )
    if report.self_query:
        shares = report.self_query
        recall = "" if shares.recall_at_10 is None else f", recall@10 {shares.recall_at_10:.3f}"
        parts.append(
            f"self-query: {shares.exact:.1%} exact, author {shares.author_exact:.1%}, "
            f"invented {shares.invented:.1%}{recall}, {shares.without_model:.1%} without the model"
        )
    if report.answers:
        qa = report.answers
        failed = f"; {qa.without_model:,} times without the model" if qa.without_model else ""
        parts.append(
            f"{qa.source}: {qa.questions:,} questions answered by {qa.model}, {qa.answerable:,} "
            f"answerable: {qa.contains_gold.mean:.1%} right, {qa.citation_right.mean:.1%} of the "
            f"citations; refusals {qa.refusal_precision.mean:.1%} precise, "
            f"{qa.refusal_recall.mean:.1%} of the unanswerable (seed {qa.seed})"
            f"{failed}"
        )
    return "; ".join(parts)


def tune_line(report: TuneReport) -> str:
    """Returns the choice in one line."""
    gain = report.held_out.difference
    chosen = ", ".join(f"{name} {value:g}" for name, value in report.chosen.items())
    verdict = "taken" if report.changed else "not clearly better, the default stays"
    files = f"; wrote {', '.join(report.written)}" if report.written else ""
    return (
        f"best of {len(report.trials)}: {chosen}; held-out nDCG@10 {gain.mean:+.4f} "
        f"[{gain.low:+.4f}, {gain.high:+.4f}] over {report.default_held_out:.4f}: {verdict}{files}"
    )


if __name__ == "__main__":
    main(app)
