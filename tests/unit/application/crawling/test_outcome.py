import json

from llm_engineering.application.crawling.outcome import (
    EtlReport,
    Failure,
    OutcomeTally,
    SiteOutcome,
)
from llm_engineering.domain.types import SaveOutcome


def site_outcome() -> SiteOutcome:
    tally = OutcomeTally("https://a.org/")
    for outcome in [SaveOutcome.NEW] * 3 + [SaveOutcome.CHANGED] * 2 + [SaveOutcome.UNCHANGED]:
        tally.saved(outcome)
    tally.failed(Failure(url="https://a.org/y", reason="no text"))
    tally.failed(Failure(url="https://a.org/x", reason="HTTP 404 (linked from https://a.org/1)"))
    tally.failed(
        Failure(
            url="https://a.org/z", reason="HTTP 404 (linked from https://a.org/2)", transient=True
        )
    )
    tally.saved(SaveOutcome.FORGOTTEN)
    tally.skipped()
    tally.gone(2)
    return tally.outcome()


def test_a_tally_counts_what_came_and_what_did_not() -> None:
    row = site_outcome()
    assert (row.link, row.new, row.changed, row.unchanged) == ("https://a.org/", 3, 2, 1)
    assert (row.fetched, row.failed) == (6, 3)
    assert (row.gone, row.skipped) == (2, 2), "what was forgotten on purpose is skipped"
    assert [failure.transient for failure in row.failures] == [False, False, True]
    assert list(row.reasons.items()) == [("HTTP 404", 2), ("no text", 1)]


def test_a_report_is_ok_until_something_failed() -> None:
    report = EtlReport(rows=(SiteOutcome(link="https://b.org/", new=1),))
    assert report.ok
    assert EtlReport().ok
    failed = report.plus(site_outcome())
    assert not failed.ok
    assert len(failed.rows) == 2
    assert [failure.url[-1] for failure in failed.failures] == ["y", "x", "z"]
    assert report.ok, "a report is a value"


def test_a_report_is_one_json_object_with_its_counts() -> None:
    data = json.loads(EtlReport(rows=(site_outcome(),)).to_json())
    assert data["ok"] is False
    assert data["rows"][0] | {"failures": []} == {
        **{"link": "https://a.org/", "new": 3, "changed": 2, "unchanged": 1},
        **{"fetched": 6, "failed": 3, "failures": [], "gone": 2, "skipped": 2},
    }
    assert data["rows"][0]["failures"][0] == {
        **{"url": "https://a.org/y", "reason": "no text", "transient": False}
    }


def test_tallies_of_visits_add_up() -> None:
    total, visit = OutcomeTally("https://a.org/"), OutcomeTally("https://a.org/")
    visit.saved(SaveOutcome.NEW, 3)
    visit.failed(Failure(url="https://a.org/x", reason="HTTP 500"))
    for _ in range(2):
        total.plus(visit)
    assert total.total == 8
    assert (total.outcome().new, total.outcome().failed) == (6, 2)
