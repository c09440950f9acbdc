"""Answers are values: closed, immutable, and the same after a journey as JSON."""

import pytest
from pydantic import ValidationError

from llm_engineering.domain.answers import Answer, AnswerMode, Citation, Usage
from llm_engineering.domain.ids import document_id

URL = "https://example.org/tides"


def citation(**fields: object) -> Citation:
    own = {
        "n": 1,
        "document_id": document_id(URL),
        "revision": "r1",
        "url": URL,
        "title": "Tides",
        "author": None,
        "start": 4,
        "end": 9,
        "quote": "tides",
        "score": 0.75,
    }
    return Citation.model_validate(own | fields)


def answer(**fields: object) -> Answer:
    own = {
        "text": "The moon does it [1].",
        "citations": (citation(),),
        "grounded": True,
        "mode": AnswerMode.GENERATED,
        "model": "local:small",
    }
    return Answer.model_validate(own | fields)


def test_an_answer_comes_back_from_json_as_it_was() -> None:
    said = answer(usage=Usage(input_tokens=7, output_tokens=3), timings_ms={"retrieve": 1.5})
    assert Answer.model_validate_json(said.model_dump_json()) == said


def test_the_mode_is_written_as_a_word() -> None:
    refused = answer(mode=AnswerMode.REFUSED, citations=(), grounded=False)
    assert refused.model_dump(mode="json")["mode"] == "refused"
    assert answer(mode="refused").mode is AnswerMode.REFUSED


@pytest.mark.parametrize("number", [0, -1])
def test_marks_count_from_one(number: int) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        citation(n=number)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"mode": "guessed"}, "generated"),
        ({"confidence": 1.0}, "Extra inputs"),
        ({"grounded": None}, "valid boolean"),
        ({"citations": ({"n": 1},)}, "document_id"),
    ],
)
def test_what_is_no_answer_is_refused(fields: dict[str, object], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        answer(**fields)


def test_an_answer_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        answer().text = "something else"  # type: ignore[misc]


def test_two_answers_do_not_share_their_timings() -> None:
    first, second = answer(), answer()
    first.timings_ms["retrieve"] = 1.0
    assert second.timings_ms == {}
