"""Answers in the shape of a schema: parsed, refused, or handed over with what went wrong."""

from typing import Any, TypedDict

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel, Field

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.llms.structured import json_schema_of, parsed_by


class Filter(BaseModel):
    """What to look for."""

    author: str
    year: int = Field(ge=1990)


class Typed(TypedDict):
    author: str


SCHEMA = {"title": "Filter", "type": "object", "properties": {"author": {"type": "string"}}}
GOOD = '{"author": "Ada", "year": 1999}'


def answering(text: str, finish_reason: str = "stop") -> Any:
    message = AIMessage(text, response_metadata={"finish_reason": finish_reason})
    return RunnableLambda(lambda _: message)


@pytest.mark.parametrize("schema", [Filter, Typed, SCHEMA], ids=["pydantic", "typed", "schema"])
def test_every_kind_of_schema_becomes_a_json_schema(schema: Any) -> None:
    written = json_schema_of(schema)
    assert written["type"] == "object"
    assert "author" in written["properties"]


def test_a_class_gives_its_own_objects_and_a_schema_gives_data() -> None:
    parsed = parsed_by(answering(GOOD), Filter, include_raw=False).invoke("x")
    assert parsed == Filter(author="Ada", year=1999)
    for schema in (SCHEMA, Typed):
        data = parsed_by(answering(GOOD), schema, include_raw=False).invoke("x")
        assert data == {"author": "Ada", "year": 1999}


@pytest.mark.parametrize("text", ["", "no JSON", '{"author": "Ada"}', '{"author": 1, "year": 1}'])
def test_an_answer_of_another_shape_is_an_error(text: str) -> None:
    with pytest.raises(OutputParserException):
        parsed_by(answering(text), Filter, include_raw=False).invoke("x")


@pytest.mark.parametrize("text", [GOOD, '{"author": "A'])
def test_an_answer_cut_by_the_limit_is_never_parsed(text: str) -> None:
    with pytest.raises(ModelError, match="cut by the token limit"):
        parsed_by(answering(text, "length"), Filter, include_raw=False).invoke("x")


def test_the_raw_answer_comes_along_when_it_is_asked_for() -> None:
    found = parsed_by(answering(GOOD), Filter, include_raw=True).invoke("x")
    assert found["raw"].content == GOOD
    assert found["parsed"] == Filter(author="Ada", year=1999)
    assert found["parsing_error"] is None


@pytest.mark.parametrize(
    ("text", "reason", "kind"),
    [("no JSON", "stop", OutputParserException), (GOOD, "length", ModelError)],
)
def test_what_could_not_be_parsed_is_handed_over_with_the_raw_answer(
    text: str, reason: str, kind: type[Exception]
) -> None:
    found = parsed_by(answering(text, reason), Filter, include_raw=True).invoke("x")
    assert found["raw"].content == text
    assert found["parsed"] is None
    assert isinstance(found["parsing_error"], kind)
