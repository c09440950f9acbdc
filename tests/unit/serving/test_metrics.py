"""What Prometheus is told of questions, requests, stages and tokens."""

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY

from llm_engineering.domain.answers import AnswerMode, Usage
from tests.unit.serving.oracle import ANSWER

if TYPE_CHECKING:
    from llm_engineering.serving.metrics import RequestMetrics


@pytest.fixture
def metrics() -> Iterator["RequestMetrics"]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of BentoML's own names
        from llm_engineering.serving.metrics import RequestMetrics
    made = RequestMetrics()
    yield made
    for collector in (made._questions, made._requests, made._stages, made._tokens):
        REGISTRY.unregister(collector)


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize("mode", list(AnswerMode))
def test_a_question_counts_under_what_became_of_it(
    metrics: "RequestMetrics", mode: AnswerMode
) -> None:
    metrics.answered(ANSWER.model_copy(update={"mode": mode}))
    told = {one.value: value("rag_questions_total", outcome=one.value) for one in AnswerMode}
    assert told == {one.value: float(one is mode) for one in AnswerMode}


def test_stages_are_told_in_seconds_and_tokens_as_they_are(metrics: "RequestMetrics") -> None:
    timed = {"retrieve": 250.0, "generate": 1500.0, "total": 1750.0}
    usage = Usage(input_tokens=873, output_tokens=56)
    for _ in range(2):
        metrics.answered(ANSWER.model_copy(update={"timings_ms": timed, "usage": usage}))
    assert value("rag_stage_seconds_sum", stage="retrieve") == 0.5
    assert value("rag_stage_seconds_sum", stage="generate") == 3.0
    assert value("rag_stage_seconds_count", stage="total") == 2
    assert value("rag_stage_seconds_bucket", stage="retrieve", le="0.25") == 2
    assert value("rag_stage_seconds_bucket", stage="retrieve", le="0.1") == 0
    assert value("rag_tokens_sum", kind="input") == 2 * 873
    assert value("rag_tokens_sum", kind="output") == 2 * 56


@pytest.mark.parametrize(
    ("status", "seconds", "bucket"),
    [(200, 0.05, "0.05"), (429, 0.0501, "0.1"), (499, 64.0, "64.0")],
)
def test_a_request_is_told_by_route_and_status(
    metrics: "RequestMetrics", status: int, seconds: float, bucket: str
) -> None:
    metrics.observed("/rag", status, seconds)
    labels = {"route": "/rag", "status": str(status)}
    assert value("rag_request_seconds_count", **labels) == 1
    assert value("rag_request_seconds_sum", **labels) == pytest.approx(seconds)
    assert value("rag_request_seconds_bucket", **labels, le=bucket) == 1
    assert value("rag_request_seconds_count", route="/rag", status="500") == 0


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_a_question_that_ends_in_an_error_is_counted_and_the_error_goes_on(
    metrics: "RequestMetrics", error: type[BaseException]
) -> None:
    with pytest.raises(error), metrics.request():
        raise error
    assert value("rag_questions_total", outcome="error") == 1


def test_a_question_that_went_well_is_no_error(metrics: "RequestMetrics") -> None:
    with metrics.request():
        metrics.answered(ANSWER)
    assert value("rag_questions_total", outcome="error") == 0
    assert value("rag_questions_total", outcome="generated") == 1
