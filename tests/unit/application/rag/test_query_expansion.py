import pytest

from llm_engineering.application.rag.query_expansion import QueryExpansion
from llm_engineering.domain.errors import ModelError
from llm_engineering.domain.queries import Query
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel

TIDE = Query(text="When does the tide turn?")


@pytest.mark.parametrize(
    "written",
    [
        "At what time does the tide turn?\nWhat is the hour of slack water?",
        "1. At what time does the tide turn?\n2) What is the hour of slack water?\n",
        '- "At what time does the tide turn?"\n\n* What is the hour of slack water?',
        "Here are two ways:\n\nQuestion: At what time does the tide turn?\n"
        "1. Question: What is the hour of slack water?",
        "When does the  TIDE turn?\nAt what time does the tide turn?\n"
        "At what time does the tide turn?\nWhat is the hour of slack water?\nA third way?",
    ],
)
def test_the_question_comes_first_and_variants_differ(written: str) -> None:
    assert QueryExpansion(ScriptedChatModel([written]), n=2).invoke(TIDE) == [
        "When does the tide turn?",
        "At what time does the tide turn?",
        "What is the hour of slack water?",
    ]


def test_a_model_with_nothing_to_say_leaves_the_question_alone() -> None:
    assert QueryExpansion(ScriptedChatModel(["\n"]), n=2).invoke(TIDE) == [TIDE.text]


def test_long_texts_are_not_rephrased() -> None:
    model = ScriptedChatModel([])
    long = Query(text="tide " * 1_000)
    assert QueryExpansion(model, n=2).invoke(long) == [long.text]
    assert model.asked == []


def test_the_model_hears_how_many_are_wanted() -> None:
    model = ScriptedChatModel(["a"])
    QueryExpansion(model, n=3).invoke(TIDE)
    assert "Write 3 other ways" in model.asked[0][-1].text
    assert TIDE.text in model.asked[0][-1].text


def test_a_failure_is_for_the_flow_to_judge() -> None:
    with pytest.raises(ModelError):
        QueryExpansion(ScriptedChatModel([ModelError("down")]), n=2).invoke(TIDE)
