from datetime import UTC, datetime
from typing import Any

import pytest

from llm_engineering.application.evaluation.corpus_questions import corpus_task, make_question_set
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.evaluation import QuestionSet
from tests.builders import make_chunk

MADE_AT = datetime(2026, 3, 4, tzinfo=UTC)


def chunk(start: int, end: int, **fields: Any) -> Chunk:
    return make_chunk("x" * (end - start), start=start, end=end, **fields)


SOURCE = chunk(100, 200)
OTHER = chunk(0, 80, url="https://example.org/other")


def questions(*chunks: Chunk) -> QuestionSet:
    return make_question_set(
        [(f"question {n}", one) for n, one in enumerate(chunks, 1)],
        version=3,
        wording="headings",
        seed=7,
        clock=lambda: MADE_AT,
    )


def test_a_question_knows_the_place_it_was_made_from() -> None:
    made = questions(SOURCE)
    (question,) = made.questions
    assert (made.version, made.seed, made.made_at) == (3, 7, MADE_AT)
    assert (question.id, question.text) == ("1", "question 1")
    assert (question.document_id, question.revision) == (SOURCE.document_id, SOURCE.revision)
    assert (question.start, question.end) == (100, 200)


@pytest.mark.parametrize(
    ("found", "relevant"),
    [
        (chunk(100, 200), True),
        (chunk(90, 160), True),  # of another chunk size
        (chunk(0, 400), True),
        (chunk(120, 140), True),
        (chunk(0, 120), False),
        (chunk(200, 300), False),
        (chunk(100, 200, url="https://example.org/other"), False),
        (chunk(100, 200, revision="another"), False),
    ],
)
def test_a_chunk_is_relevant_if_it_is_mostly_that_place(found: Chunk, relevant: bool) -> None:
    task, _ = corpus_task(questions(SOURCE), {SOURCE.document_id: SOURCE.revision})
    (question,) = task.questions
    key = task.judged_as(question, found)
    assert (question.grades.get(key, 0) > 0) is relevant


def test_questions_whose_document_changed_are_left_out_and_counted() -> None:
    indexed = {SOURCE.document_id: SOURCE.revision, OTHER.document_id: "newer"}
    task, outdated = corpus_task(questions(SOURCE, OTHER), indexed)
    assert [one.id for one in task.questions] == ["1"]
    assert outdated == 1
    assert "version 3" in task.source


def test_when_none_is_left_it_says_what_to_type() -> None:
    with pytest.raises(InvalidInput, match="--new-questions"):
        corpus_task(questions(SOURCE), {})
