"""LangChain's messages as the turns that a chat template reads."""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from llm_engineering.domain.errors import InvalidInput

_ROLES = {
    "system": "system",
    "human": "user",
    "ai": "assistant",
    "HumanMessageChunk": "user",
    "AIMessageChunk": "assistant",
    "SystemMessageChunk": "system",
}


def chat_turns(messages: Sequence[BaseMessage]) -> list[dict[str, str]]:
    """Returns role and text of each message.

    Raises:
        InvalidInput: a message that local models do not read, such as a tool's result.
    """
    turns = []
    for message in messages:
        if message.type not in _ROLES:
            raise InvalidInput(
                f"message of type {message.type!r}: local models read system, human and ai"
            )
        turns.append({"role": _ROLES[message.type], "content": str(message.text)})
    return turns
