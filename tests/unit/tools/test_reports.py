import io
import json
from datetime import UTC, datetime

from rich.console import Console

from llm_engineering.application.crawling.outcome import EtlReport, Failure, SiteOutcome
from llm_engineering.application.ports.crawling import Link, Target
from llm_engineering.application.ports.frontier import DeadLetter
from llm_engineering.domain.training import TrainingReport
from pipelines.feature import FeatureReport
from tools.reports import (
    etl_line,
    etl_table,
    failure_lines,
    feature_line,
    letters_json,
    letters_line,
    letters_table,
    training_line,
)

SITE = "https://example.org/a/very/long/path/that/goes/on/and/on/index.html"


def failure(reason: str, n: int) -> Failure:
    return Failure(url=f"https://example.org/{n}", reason=reason)


def shown(report: EtlReport, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(etl_table(report))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_row_for_each_site_with_the_reasons() -> None:
    failures = (failure("HTTP 404", 1), failure("HTTP 404", 2), failure("no text", 3))
    row = SiteOutcome(link=SITE, new=1200, changed=1, unchanged=2, failures=failures)
    text = shown(EtlReport(rows=(row,)))
    assert "1,203" in text
    assert "2 x HTTP 404" in text
    assert "1 x no text" in text


def test_only_the_most_frequent_reasons_are_shown() -> None:
    failures = tuple(failure(f"reason {n}", n) for n in range(9))
    text = shown(EtlReport(rows=(SiteOutcome(link="x", failures=failures),)))
    assert "and 6 more reasons" in text


def test_a_long_link_is_folded_and_not_cut() -> None:
    text = shown(EtlReport(rows=(SiteOutcome(link=SITE, new=1),)), width=70)
    assert SITE in "".join(line.split("  ")[0].strip() for line in text.splitlines())


def test_every_failure_is_a_line_up_to_a_bound() -> None:
    few = EtlReport(rows=(SiteOutcome(link="x", failures=(failure("HTTP 404", 1),)),))
    assert failure_lines(few) == ["https://example.org/1: HTTP 404"]
    failures = tuple(failure("HTTP 404", n) for n in range(1022))
    lines = failure_lines(EtlReport(rows=(SiteOutcome(link="x", failures=failures),)))
    assert len(lines) == 21
    assert lines[-1] == "and 1,002 more: --json has them all"


def letter(n: int, *, transient: bool) -> DeadLetter:
    url = f"https://example.org/{n}"
    return DeadLetter(
        url=url,
        reason="HTTP 503",
        stage="fetch",
        transient=transient,
        attempts=n,
        failed_at=datetime(2026, 11, 22, 12, 30, tzinfo=UTC),
        link=Link(url="https://example.org/"),
        target=Target(url=url),
    )


def test_failures_are_listed_with_all_that_is_known() -> None:
    console = Console(file=io.StringIO(), width=120)
    console.print(letters_table([letter(7, transient=True), letter(8, transient=False)]))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    first, second = text.splitlines()[1:]
    known = ["https://example.org/7", "HTTP 503", "fetch", "7", "2026-11-22 12:30", "yes"]
    assert [cell.strip() for cell in first.split("  ") if cell.strip()] == known
    assert second.rstrip().endswith("no")


def test_failures_in_one_line_and_as_data() -> None:
    letters = [letter(1, transient=True), letter(2, transient=False)]
    assert letters_line(letters) == "2 failures of 1 link, 1 may pass"
    assert letters_line([]) == "nothing has failed that has not succeeded since"
    assert [one["attempts"] for one in json.loads(letters_json(letters))] == [1, 2]


def test_the_crawl_in_one_line() -> None:
    rows = (
        SiteOutcome(link="a", new=3, changed=1, unchanged=6),
        SiteOutcome(link="b", new=1, failures=(failure("HTTP 404", 1),)),
    )
    assert (
        etl_line(EtlReport(rows=rows)) == "fetched 11 documents, stored 5 new or changed, 1 failed"
    )


def test_the_index_run_in_one_line() -> None:
    report = FeatureReport(
        generation="g",
        switched=False,
        documents_seen=10,
        documents_changed=2,
        documents_unchanged=8,
        documents_removed=0,
        documents_empty=0,
        documents_duplicate=3,
        chunks_written=1500,
        chunks_embedded=1400,
        chunks_reused=100,
        chunks_deleted=7,
        cpu_s={"embed": 2.25, "chunk": 0.5},
    )
    line = feature_line(report)
    assert "2 changed of 10 documents" in line
    assert "1,500 chunks written, 1,400 of them embedded, 7 deleted" in line
    assert "3 copies left out" in line
    assert "2.8 s of CPU" in line


def test_the_training_in_one_line() -> None:
    report = TrainingReport(
        model="llm",
        version=3,
        promoted=True,
        note="champion points to version 3",
        train_samples=80,
        test_samples=20,
        refused={},
        held_out_loss_before=3.35,
        held_out_loss_after=2.85,
        steps=20,
        backend="trl",
        seconds=101.6,
        tracked_at="x.zip",
    )
    assert training_line(report) == (
        "trained on 80 samples in 102 s (trl): held-out loss 3.350 -> 2.850; "
        "llm version 3: champion points to version 3"
    )
