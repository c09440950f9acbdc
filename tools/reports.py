"""How the reports of the pipelines look on a terminal."""

import json
from collections.abc import Sequence

from rich.table import Table

from llm_engineering.application.crawling.outcome import EtlReport
from llm_engineering.application.ports.frontier import DeadLetter
from llm_engineering.domain.training import TrainingReport
from pipelines.feature import FeatureReport

REASONS_SHOWN = 3
FAILURES_SHOWN = 20


def etl_table(report: EtlReport) -> Table:
    """Returns a row for each link: what came, and why the rest did not."""
    table = Table(box=None, header_style="bold")
    table.add_column("site", overflow="fold")
    for column in ("fetched", "new", "changed", "unchanged", "gone", "skipped", "failed"):
        table.add_column(column, justify="right")
    table.add_column("why", overflow="fold")
    for row in report.rows:
        counts = (
            *(row.fetched, row.new, row.changed, row.unchanged),
            *(row.gone, row.skipped, row.failed),
        )
        reasons = [f"{count} x {reason}" for reason, count in row.reasons.items()]
        more = [f"and {len(reasons) - REASONS_SHOWN} more reasons"] * (len(reasons) > REASONS_SHOWN)
        why = "\n".join([*reasons[:REASONS_SHOWN], *more])
        table.add_row(row.link, *(f"{count:,}" for count in counts), why)
    return table


def failure_lines(report: EtlReport) -> list[str]:
    """Returns a line for each page or file that failed: the first ones, and how many more."""
    lines = [f"{failure.url}: {failure.reason}" for failure in report.failures]
    more = len(lines) - FAILURES_SHOWN
    return [*lines[:FAILURES_SHOWN], *[f"and {more:,} more: --json has them all"] * (more > 0)]


def etl_line(report: EtlReport) -> str:
    """Returns the run in one line."""
    fetched = sum(row.fetched for row in report.rows)
    stored = sum(row.new + row.changed for row in report.rows)
    failed = sum(row.failed for row in report.rows)
    return f"fetched {fetched:,} documents, stored {stored:,} new or changed, {failed:,} failed"


def letters_table(letters: Sequence[DeadLetter]) -> Table:
    """Returns a row for each failure: what, why, at which stage, how often, and when last."""
    table = Table(box=None, header_style="bold")
    for column in ("what", "why"):
        table.add_column(column, overflow="fold")
    for column in ("stage", "tries", "last tried", "may pass"):
        table.add_column(column)
    for letter in letters:
        last = f"{letter.failed_at:%Y-%m-%d %H:%M}"
        may_pass = "yes" if letter.transient else "no"
        facts = (letter.stage, str(letter.attempts), last, may_pass)
        table.add_row(letter.url, letter.reason, *facts)
    return table


def letters_json(letters: Sequence[DeadLetter]) -> str:
    """Returns the failures as one JSON list."""
    return json.dumps([letter.model_dump(mode="json") for letter in letters], indent=2)


def letters_line(letters: Sequence[DeadLetter]) -> str:
    """Returns the failures in one line."""
    if not letters:
        return "nothing has failed that has not succeeded since"
    transient = sum(letter.transient for letter in letters)
    sites = len({letter.link.url for letter in letters})
    what = f"{len(letters):,} failure{'s' * (len(letters) != 1)}"
    where = f"{sites:,} link{'s' * (sites != 1)}"
    return f"{what} of {where}, {transient:,} may pass"


def feature_line(report: FeatureReport) -> str:
    """Returns the run in one line."""
    seconds = sum(report.cpu_s.values())
    return (
        f"indexed {report.documents_changed:,} changed of {report.documents_seen:,} documents: "
        f"{report.chunks_written:,} chunks written, {report.chunks_embedded:,} of them embedded, "
        f"{report.chunks_deleted:,} deleted, {report.documents_duplicate:,} copies left out "
        f"({seconds:.1f} s of CPU)"
    )


def training_line(report: TrainingReport) -> str:
    """Returns the run in one line."""
    return (
        f"trained on {report.train_samples} samples in {report.seconds:.0f} s ({report.backend}): "
        f"held-out loss {report.held_out_loss_before:.3f} -> {report.held_out_loss_after:.3f}; "
        f"{report.model} version {report.version}: {report.note}"
    )
