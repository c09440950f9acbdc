"""LangChain's messages as turns of a chat template."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    HumanMessageChunk,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
)

from llm_engineering.domain.errors import InvalidInput
from llm_engineering.infrastructure.llms.chat_turns import chat_turns

KINDS = st.sampled_from([SystemMessage, HumanMessage, AIMessage])


@pytest.mark.parametrize(
    ("message", "role"),
    [
        (SystemMessage("x"), "system"),
        (HumanMessage("x"), "user"),
        (AIMessage("x"), "assistant"),
        (SystemMessageChunk(content="x"), "system"),
        (HumanMessageChunk(content="x"), "user"),
        (AIMessageChunk(content="x"), "assistant"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whole_messages_and_chunks_have_the_role_of_their_speaker(
    message: BaseMessage, role: str
) -> None:
    assert chat_turns([message]) == [{"role": role, "content": "x"}]


@given(st.lists(st.tuples(KINDS, st.text()), max_size=6))
def test_no_turn_is_lost_or_changed(said: list[tuple[type[BaseMessage], str]]) -> None:
    turns = chat_turns([kind(content=text) for kind, text in said])
    assert [turn["content"] for turn in turns] == [text for _, text in said]
    assert all(set(turn) == {"role", "content"} for turn in turns)


def test_the_text_of_blocks_is_taken_and_images_are_left_out() -> None:
    blocks: list[str | dict[object, object]] = [
        {"type": "text", "text": "one "},
        {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}},
        {"type": "text", "text": "two"},
    ]
    (turn,) = chat_turns([HumanMessage(blocks)])
    assert turn["content"] == "one two"
    assert type(turn["content"]) is str


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (ToolMessage("42", tool_call_id="1"), "tool"),
        (ChatMessage(content="psst", role="whisperer"), "chat"),
    ],
)
def test_what_a_local_model_does_not_read_is_refused_by_name(
    message: BaseMessage, kind: str
) -> None:
    with pytest.raises(InvalidInput, match=f"'{kind}': local models read system, human and ai"):
        chat_turns([HumanMessage("first"), message])


def test_no_messages_are_no_turns() -> None:
    assert chat_turns([]) == []
