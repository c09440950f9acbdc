from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.tracking.window import (
    MOST_FEEDBACK,
    Window,
    histogram,
    quantiles,
)
from llm_engineering.domain.answers import AnswerMode
from llm_engineering.domain.feedback import Vote
from llm_engineering.domain.redaction import HIDDEN, Redaction
from llm_engineering.infrastructure.in_memory.tracking import InMemoryTask
from tests.unit.application.tracking.serving import ANSWER, NOW, REFUSAL, rated, served


def reported(window: Window, dropped: int = 0) -> InMemoryTask:
    task = InMemoryTask("questions", "inference")
    window.report(task, 9, dropped)
    return task


def scalars(task: InMemoryTask) -> Mapping[str, Mapping[str, float]]:
    assert {iteration for _, iteration, _ in task.recorded_scalars} == {9}
    return {title: values for title, _, values in task.recorded_scalars}


def mixed() -> Window:
    """Ten questions: five answered, two refused, one quoted, one failed, one given up."""
    window = Window(NOW, Redaction())
    extractive = ANSWER.model_copy(update={"mode": AnswerMode.EXTRACTIVE, "cached": True})
    for n in range(5):
        window.add(n + 1, served(f"request-{n}", ms=100.0 * (n + 1)))
    for n in (6, 7):
        window.add(n, served(f"request-{n}", ms=50.0, answer=REFUSAL))
    window.add(8, served("request-8", ms=60.0, answer=extractive))
    window.add(9, served("request-9", ms=5000.0, answer=None, retrieval=None, error="E: down"))
    window.add(10, served("request-10", ms=10.0, answer=None))
    return window


def test_rates_are_shares_of_what_was_not_given_up() -> None:
    rates = scalars(reported(mixed()))["window: rates"]
    assert rates == pytest.approx(
        {
            "hit": 6 / 9,
            "grounded": 6 / 9,
            "degraded": 6 / 9,
            "cached": 1 / 9,
            "refusal": 2 / 9,
            "extractive": 1 / 9,
            "failed": 1 / 9,
        },
        abs=1e-4,
    )


def test_latency_tokens_cost_and_counts_are_reported() -> None:
    found = scalars(reported(mixed(), dropped=3))
    assert found["window: latency in ms"] == {"p50": 100.0, "p95": 5000.0, "p99": 5000.0}
    assert found["window: tokens a question"] == {"input": 60.0, "output": 12.0}
    assert found["window: cost in USD"] == {"sum": 1.5}
    assert found["window: counts"] == {"questions": 10, "dropped": 3}


def test_votes_are_counted_and_listed() -> None:
    window = Window(NOW, Redaction())
    for vote in (Vote.UP, Vote.UP, Vote.UP, Vote.DOWN):
        window.add_feedback(2, rated(vote=vote))
    assert not window.empty
    task = reported(window)
    assert scalars(task)["window: rates"] == {"liked": 0.75}
    assert scalars(task)["window: counts"] == {"questions": 0, "dropped": 0, "up": 3, "down": 1}
    ((title, _, rows),) = task.recorded_tables
    assert (title, len(rows)) == ("feedback", 4)


def test_tables_have_a_row_a_question_and_a_row_a_chunk() -> None:
    tables = {title: rows for title, _, rows in reported(mixed()).recorded_tables}
    assert [row["iteration"] for row in tables["questions"]] == list(range(1, 11))
    assert len(tables["chunks"]) == 18  # two of each question, but of the one that failed
    assert len({tuple(row) for row in tables["chunks"]}) == 1, "the rows share their keys"


def test_the_plots_show_times_outcomes_and_stages() -> None:
    plots = {title: (labels, bars) for title, _, labels, bars in reported(mixed()).recorded_bars}
    labels, bars = plots["questions by seconds taken"]
    assert dict(zip(labels, bars["questions"], strict=True))["≤ 0.1"] == 5
    assert sum(bars["questions"]) == 10
    assert plots["questions by outcome"] == (
        ["extractive", "failed", "generated", "refused", "stopped"],
        {"questions": [1, 1, 5, 2, 1]},
    )
    labels, bars = plots["milliseconds by stage"]
    assert labels == ["embed", "search", "retrieve", "first_token", "generate"]
    assert bars["p50"] == bars["p95"] == [3.0, 5.0, 10.0, 40.0, 90.0]


def test_an_empty_window_shows_nothing_but_counts() -> None:
    window = Window(NOW, Redaction())
    assert window.empty
    task = reported(window, dropped=2)
    assert scalars(task) == {"window: counts": {"questions": 0, "dropped": 2}}
    assert (task.recorded_bars, task.recorded_tables) == ([], [])


def test_no_secret_of_a_question_is_told() -> None:
    window = Window(NOW, Redaction())
    canary = "sk" + "-canary-0123456789abcdef"
    window.add(1, served(text=f"why is {canary} refused?", error=f"E: {canary}"))
    window.add_feedback(1, rated(better=f"use {canary}, or ask canary@example.org"))
    told = repr(reported(window))
    assert "canary" not in told
    assert f"why is {HIDDEN} refused?" in told


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_quantiles_are_values_that_occur_in_order(values: list[float]) -> None:
    found = quantiles(values)
    assert set(found.values()) <= set(values)
    assert found["p50"] <= found["p95"] <= found["p99"] <= max(values)
    assert sum(value <= found["p95"] for value in values) >= 0.95 * len(values) - 1e-9


@given(st.lists(st.floats(0, 1e6), max_size=100))
def test_every_value_is_counted_once(values: list[float]) -> None:
    labels, counts = histogram(values)
    assert len(labels) == len(counts)
    assert sum(counts) == len(values)
    assert counts[-1] == sum(value > 32_000 for value in values)
    assert counts[0] == sum(value <= 100 for value in values)


@pytest.mark.parametrize(
    ("milliseconds", "label"),
    [
        (0.0, "≤ 0.1"),
        (100.0, "≤ 0.1"),
        (100.001, "≤ 0.25"),
        (250.0, "≤ 0.25"),
        (1000.0, "≤ 1"),
        (1000.001, "≤ 2"),
        (32_000.0, "≤ 32"),
        (32_000.001, "> 32"),
        (1e9, "> 32"),
    ],
)
def test_a_bound_belongs_to_the_values_up_to_it(milliseconds: float, label: str) -> None:
    labels, counts = histogram([milliseconds])
    assert labels[counts.index(1.0)] == label


@pytest.mark.parametrize(
    ("count", "p50", "p95", "p99"),
    [(1, 1, 1, 1), (2, 1, 2, 2), (20, 10, 19, 20), (100, 50, 95, 99)],
)
def test_quantiles_by_nearest_rank(count: int, p50: float, p95: float, p99: float) -> None:
    values = [float(n) for n in range(count, 0, -1)]
    assert quantiles(values) == {"p50": p50, "p95": p95, "p99": p99}
    assert quantiles([]) == {}


def test_feedback_beyond_the_bound_is_counted_and_not_listed() -> None:
    window = Window(NOW, Redaction())
    for n in range(MOST_FEEDBACK + 5):
        window.add_feedback(n, rated(f"request-{n}", Vote.DOWN))
    task = reported(window)
    ((_, _, rows),) = task.recorded_tables
    assert len(rows) == MOST_FEEDBACK
    assert scalars(task)["window: counts"]["down"] == MOST_FEEDBACK + 5
    assert scalars(task)["window: rates"] == {"liked": 0.0}


def test_where_all_gave_up_there_are_no_rates() -> None:
    window = Window(NOW, Redaction())
    for n in range(3):
        window.add(n, served(f"request-{n}", answer=None))
    found = scalars(reported(window))
    assert "window: rates" not in found
    assert "window: cost in USD" not in found
    assert found["window: counts"] == {"questions": 3, "dropped": 0}
    assert found["window: latency in ms"] == {"p50": 110.0, "p95": 110.0, "p99": 110.0}


def test_without_a_price_no_cost_is_told() -> None:
    window = Window(NOW, Redaction())
    free = ANSWER.usage.model_copy(update={"cost_usd": None})
    window.add(1, served(answer=ANSWER.model_copy(update={"usage": free})))
    assert "window: cost in USD" not in scalars(reported(window))
    assert scalars(reported(window))["window: tokens a question"] == {"input": 100, "output": 20}


@given(st.lists(st.sampled_from(["answered", "refused", "failed", "stopped"]), max_size=30))
def test_rates_are_shares_whatever_happened(fates: list[str]) -> None:
    made: dict[str, dict[str, Any]] = {
        "answered": {},
        "refused": {"answer": REFUSAL},
        "failed": {"answer": None, "retrieval": None, "error": "E: down"},
        "stopped": {"answer": None},
    }
    window = Window(NOW, Redaction())
    for n, fate in enumerate(fates, start=1):
        window.add(n, served(f"request-{n}", **made[fate]))
    found = scalars(reported(window)) if fates else {}
    judged = len(fates) - fates.count("stopped")
    rates = found.get("window: rates", {})
    assert all(0.0 <= rate <= 1.0 for rate in rates.values())
    if judged:
        assert rates["refusal"] == pytest.approx(fates.count("refused") / judged, abs=1e-4)
        assert rates["failed"] == pytest.approx(fates.count("failed") / judged, abs=1e-4)
        assert rates["hit"] == pytest.approx(fates.count("answered") / judged, abs=1e-4)
    else:
        assert rates == {}
