"""The scripted chat model answers as it was told."""

import asyncio

import pytest
from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel


def test_it_answers_in_order_and_records_what_it_was_asked() -> None:
    model = ScriptedChatModel(["one", "two"])
    assert model.invoke("first").content == "one"
    assert model.bind(max_tokens=3).invoke("second").content == "two"
    assert [[message.content for message in call] for call in model.asked] == [
        ["first"],
        ["second"],
    ]
    assert model.settings == [{}, {"max_tokens": 3}]


def test_a_call_beyond_the_script_is_an_error() -> None:
    model = ScriptedChatModel(["one"])
    model.invoke("first")
    with pytest.raises(ModelError, match="1 answers, this is call 2"):
        model.invoke("second")


def test_it_answers_by_a_function() -> None:
    model = ScriptedChatModel(lambda messages: messages[-1].text.upper())
    assert model.invoke([HumanMessage("loud")]).content == "LOUD"


def test_an_error_in_the_script_is_raised_in_its_turn() -> None:
    model = ScriptedChatModel([ModelError("busy", transient=True), "better"])
    with pytest.raises(ModelError, match="busy"):
        model.invoke("try")
    assert model.invoke("again").content == "better"


@pytest.mark.parametrize("answer", ["", "word", "two words", "  spaces  and\nlines \n"])
def test_the_stream_is_the_answer_word_by_word(answer: str) -> None:
    model = ScriptedChatModel([answer])
    chunks = [chunk.text for chunk in model.stream("go")]
    assert "".join(chunks) == answer
    assert len([chunk for chunk in chunks if chunk]) == len(answer.split())


def test_the_last_chunk_counts_tokens_as_words() -> None:
    async def ask() -> dict[str, int]:
        model = ScriptedChatModel(["three words here"])
        chunks = [chunk async for chunk in model.astream("two words")]
        usage = next(chunk.usage_metadata for chunk in chunks if chunk.usage_metadata)
        return {"input": usage["input_tokens"], "output": usage["output_tokens"]}

    assert asyncio.run(ask()) == {"input": 2, "output": 3}


def test_structured_answers_are_read_from_json() -> None:
    class Filter(BaseModel):
        author: str

    model = ScriptedChatModel(['{"author": "Ada"}', '{"author": "Bob"}'])
    assert model.with_structured_output(Filter).invoke("who") == Filter(author="Ada")
    assert model.with_structured_output({"type": "object"}).invoke("who") == {"author": "Bob"}
