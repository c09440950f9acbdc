"""A GGUF chat model on this machine, by OpenVINO."""

import json
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

from llm_engineering.application.rag.judging import LOG_PROBABILITY
from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.llms.chat_turns import chat_turns
from llm_engineering.infrastructure.llms.gguf import context_length
from llm_engineering.infrastructure.llms.openvino_engine import BatchingEngine, Generation
from llm_engineering.infrastructure.llms.openvino_files import prepared_folder
from llm_engineering.infrastructure.llms.options import ChatModelOptions
from llm_engineering.infrastructure.llms.structured import json_schema_of, parsed_by

if TYPE_CHECKING:
    import openvino_genai as genai


class LocalChatModel(BaseChatModel):
    """Answers from a GGUF file, in this process. It is loaded when it is first asked.

    Several callers may ask at once: their answers are computed together. Closing a stream early
    ends its generation. `max_tokens`, `temperature`, `top_p`, `stop` and `json_schema` may be
    bound or passed with each call.

    Args:
        file: the model, with its chat template and end token.
        name: shown in errors and traces.
        cache: where the prepared model is kept.
        device: OpenVINO's name: `CPU` or `GPU`.
    """

    file: Path
    name: str | None = None
    cache_folder: Path
    device: str = "CPU"
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 256

    _engine: BatchingEngine | None = PrivateAttr(default=None)
    _limit: int = PrivateAttr(default=0)
    _loading: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @classmethod
    def from_options(cls, file: Path, name: str, options: ChatModelOptions) -> Self:
        """Returns the model of that file, not loaded yet."""
        return cls(
            file=file,
            name=name,
            cache_folder=options.cache,
            device=options.device.upper(),
            temperature=options.temperature,
            top_p=options.top_p,
            max_tokens=options.max_new_tokens,
        )

    @property
    def _llm_type(self) -> str:
        return "openvino-genai"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.name, "temperature": self.temperature, "top_p": self.top_p}

    def get_token_ids(self, text: str) -> list[int]:
        """Returns the model's own tokens of a text."""
        return _token_ids(self._loaded().tokenizer, text)

    def _loaded(self) -> BatchingEngine:
        """Returns the running engine; a failed one is replaced."""
        with self._loading:
            if self._engine is None or self._engine.failed:
                self._limit = context_length(self.file)
                folder = prepared_folder(self.file, self.cache_folder)
                self._engine = BatchingEngine(folder, self.device)
                # also at exit: a thread in native code must not meet a dying interpreter
                weakref.finalize(self, self._engine.close)
            return self._engine

    def _start(
        self, messages: list[BaseMessage], stop: Sequence[str] | None, kwargs: dict[str, Any]
    ) -> tuple[Generation, int]:
        """Returns the answer under way and the tokens of its prompt."""
        engine = self._loaded()
        prompt = engine.tokenizer.apply_chat_template(
            chat_turns(messages), add_generation_prompt=True
        )
        config = self._config(engine, stop, kwargs)
        tokens = len(_token_ids(engine.tokenizer, prompt))
        if tokens + config.max_new_tokens > self._limit:
            # the tokenizer counts no further than the limit
            many = f"{tokens} tokens or more" if tokens >= self._limit else f"{tokens} tokens"
            raise ModelError(
                f"{self.name}: the prompt has {many} and the answer may have "
                f"{config.max_new_tokens}, the limit for both is {self._limit}"
            )
        return engine.submit(prompt, config), tokens

    def _config(
        self, engine: BatchingEngine, stop: Sequence[str] | None, kwargs: dict[str, Any]
    ) -> "genai.GenerationConfig":
        import openvino_genai as genai  # noqa: PLC0415 - slow to import

        temperature = kwargs.get("temperature", self.temperature)
        config = genai.GenerationConfig()
        config.apply_chat_template = False
        config.set_eos_token_id(engine.tokenizer.get_eos_token_id())
        config.logprobs = 1  # of the tokens that are written
        config.max_new_tokens = kwargs.get("max_tokens") or self.max_tokens
        if temperature > 0:
            config.do_sample = True
            config.temperature = temperature
            config.top_p = kwargs.get("top_p", self.top_p)
        if stop:
            config.stop_strings = set(stop)
        if schema := kwargs.get("json_schema"):
            config.structured_output_config = genai.StructuredOutputConfig(
                json_schema=json.dumps(schema)
            )
        return config

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        generation, prompt_tokens = self._start(messages, stop, kwargs)
        try:
            text = "".join(generation)
        finally:
            generation.close()
        usage, metadata = self._outcome(generation, prompt_tokens)
        message = AIMessage(content=text, usage_metadata=usage, response_metadata=metadata)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        generation, prompt_tokens = self._start(messages, stop, kwargs)
        try:
            for text in generation:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=text))
                if run_manager:
                    run_manager.on_llm_new_token(text, chunk=chunk)
                yield chunk
        finally:
            generation.close()
        usage, metadata = self._outcome(generation, prompt_tokens)
        yield ChatGenerationChunk(
            message=AIMessageChunk(content="", usage_metadata=usage, response_metadata=metadata)
        )

    def _outcome(
        self, generation: Generation, prompt_tokens: int
    ) -> tuple[UsageMetadata, dict[str, Any]]:
        end = generation.finished
        if end is None:
            raise ModelError(f"{self.name}: the answer did not end")
        usage = UsageMetadata(
            input_tokens=prompt_tokens,
            output_tokens=end.output_tokens,
            total_tokens=prompt_tokens + end.output_tokens,
        )
        metadata = {
            "finish_reason": end.reason,
            "model_name": self.name,
            LOG_PROBABILITY: end.log_probability,
        }
        return usage, metadata

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Returns a runnable whose answer has the schema's shape; decoding allows nothing else.

        It raises ModelError when the answer is cut by the token limit.
        """
        kwargs.pop("method", None)  # there is one way only
        bound = self.bind(json_schema=json_schema_of(schema), **kwargs)
        return parsed_by(bound, schema, include_raw=include_raw)


def _token_ids(tokenizer: "genai.Tokenizer", text: str) -> list[int]:
    ids = tokenizer.encode(text, add_special_tokens=False).input_ids.data
    return [int(token) for token in ids[0]]
