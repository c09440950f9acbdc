"""A chat model that answers from a script."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import BaseModel, Field

from llm_engineering.application.rag.judging import LOG_PROBABILITY
from llm_engineering.domain.errors import ModelError, PipelineError

Answers = Sequence[str | PipelineError] | Callable[[Sequence[BaseMessage]], str]


class ScriptedChatModel(BaseChatModel):
    """Answers in the order of a list, or by a function of the messages; always the same way.

    `log_probability` is what its metadata say of every answer. An error in the list is raised in
    its turn. `asked` records the messages of every call, and `settings` what was bound or passed
    with them. Streams word by word; a token is a word.
    """

    answers: Any
    asked: list[list[BaseMessage]] = Field(default_factory=list)
    settings: list[dict[str, Any]] = Field(default_factory=list)
    log_probability: float = 0.0

    def __init__(self, answers: Answers, **fields: Any) -> None:
        super().__init__(answers=answers, **fields)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def _metadata(self) -> dict[str, Any]:
        return {"finish_reason": "stop", LOG_PROBABILITY: self.log_probability}

    def _answer(self, messages: list[BaseMessage], settings: dict[str, Any]) -> str:
        turn = len(self.asked)
        self.asked.append(messages)
        self.settings.append(settings)
        if callable(self.answers):
            return str(self.answers(messages))
        if turn >= len(self.answers):
            raise ModelError(f"the script has {len(self.answers)} answers, this is call {turn + 1}")
        answer = self.answers[turn]
        if isinstance(answer, PipelineError):
            raise answer
        return str(answer)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        answer = self._answer(messages, {**kwargs, **({"stop": stop} if stop else {})})
        message = AIMessage(
            content=answer,
            usage_metadata=_usage(messages, answer),
            response_metadata=self._metadata,
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        answer = self._answer(messages, {**kwargs, **({"stop": stop} if stop else {})})
        for word in re.findall(r"\s*\S+\s*$|\s*\S+", answer):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=word))
            if run_manager:
                run_manager.on_llm_new_token(word, chunk=chunk)
            yield chunk
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="",
                usage_metadata=_usage(messages, answer),
                response_metadata=self._metadata,
            )
        )

    def get_token_ids(self, text: str) -> list[int]:
        """Returns a number for each word."""
        return list(range(len(text.split())))

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Returns a runnable that reads the scripted answer as JSON.

        Raises:
            NotImplementedError: `include_raw` is asked for.
        """
        if include_raw:
            raise NotImplementedError("the scripted model gives the parsed answer only")
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            return self.bind(**kwargs) | PydanticOutputParser(pydantic_object=schema)
        return self.bind(**kwargs) | JsonOutputParser()


def _usage(messages: Sequence[BaseMessage], answer: str) -> UsageMetadata:
    asked = sum(len(message.text.split()) for message in messages)
    answered = len(answer.split())
    return UsageMetadata(input_tokens=asked, output_tokens=answered, total_tokens=asked + answered)
