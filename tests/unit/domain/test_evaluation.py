"""Reports of evaluations: what counts as a difference, and that they come back from disk."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from pydantic import ValidationError

from llm_engineering.domain.evaluation import (
    Comparison,
    CorpusQuestion,
    EvaluationReport,
    Interval,
    QuestionSet,
)
from tests.unit.application.evaluation.test_page import ANSWERS, SELF_QUERY, report, variant


@pytest.mark.parametrize(
    ("low", "high", "significant"),
    [
        (0.01, 0.05, True),
        (-0.05, -0.01, True),
        (-0.01, 0.05, False),
        (0.0, 0.05, False),
        (-0.05, 0.0, False),
        (0.0, 0.0, False),
        (1e-12, 0.5, True),
    ],
)
def test_a_difference_counts_when_its_interval_leaves_out_zero(
    low: float, high: float, significant: bool
) -> None:
    gain = Interval(mean=(low + high) / 2, low=low, high=high)
    both = [
        Comparison(variant=one, baseline=other, metric="nDCG@10", difference=gain)
        for one, other in (("a", "b"), ("b", "a"))
    ]
    assert [one.significant for one in both] == [significant] * 2


def test_a_whole_report_comes_back_from_its_file() -> None:
    whole = EvaluationReport(
        retrieval=report(variant("bm25", 0.4), variant("hybrid", 0.6)),
        self_query=SELF_QUERY,
        answers=ANSWERS,
        html="out/report.html",
        tracked_at="out/task.zip",
    )
    assert EvaluationReport.model_validate_json(whole.model_dump_json()) == whole


def test_every_share_of_answers_has_a_name_of_its_own() -> None:
    shares = ANSWERS.shares
    assert len(shares) == 5
    assert shares["contains the gold answer"] == ANSWERS.contains_gold
    assert shares["refused without the gold passage"] == ANSWERS.refusal_without_gold


def question(**fields: object) -> CorpusQuestion:
    own = {"id": "1", "text": "When?", "document_id": UUID(int=1), "revision": "r", "start": 0}
    return CorpusQuestion.model_validate({**own, "end": 9, **fields})


@pytest.mark.parametrize("fields", [{"start": -1}, {"end": -1}, {"colour": "red"}, {"id": None}])
def test_a_question_has_a_place(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(fields))):
        question(**fields)


@pytest.mark.parametrize(
    "fields", [{"version": 0}, {"wording": "guessed"}, {"made_at": datetime(2026, 5, 1)}]
)
def test_a_set_of_questions_has_a_version_and_a_time(fields: dict[str, object]) -> None:
    own = {
        "version": 1,
        "wording": "headings",
        "seed": 17,
        "made_at": datetime(2026, 5, 1, tzinfo=UTC),
        "questions": (question(),),
    }
    made = QuestionSet.model_validate(own)
    assert QuestionSet.model_validate_json(made.model_dump_json()) == made
    with pytest.raises(ValidationError, match=next(iter(fields))):
        QuestionSet.model_validate({**own, **fields})
