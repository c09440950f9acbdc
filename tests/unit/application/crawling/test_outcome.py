import json

from llm_engineering.application.crawling.outcome import EtlReport, OutcomeTally, SiteOutcome
from llm_engineering.domain.errors import ExtractionError, FetchError
from llm_engineering.domain.types import SaveOutcome


def site_outcome() -> SiteOutcome:
    tally = OutcomeTally("https://a.org/")
    for outcome in [SaveOutcome.NEW] * 3 + [SaveOutcome.CHANGED] * 2 + [SaveOutcome.UNCHANGED]:
        tally.saved(outcome)
    tally.failed(ExtractionError("https://a.org/y", "no text"))
    tally.failed(FetchError("https://a.org/x", "HTTP 404 (linked from https://a.org/1)"))
    tally.failed(
        FetchError("https://a.org/z", "HTTP 404 (linked from https://a.org/2)", transient=True)
    )
    return tally.outcome()


def test_a_tally_counts_what_came_and_what_did_not() -> None:
    row = site_outcome()
    assert (row.link, row.new, row.changed, row.unchanged) == ("https://a.org/", 3, 2, 1)
    assert (row.fetched, row.failed) == (6, 3)
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
        **{"fetched": 6, "failed": 3, "failures": []},
    }
    assert data["rows"][0]["failures"][0] == {
        **{"url": "https://a.org/y", "reason": "no text", "transient": False}
    }
