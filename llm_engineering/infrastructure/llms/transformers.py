"""A chat model from a folder of safetensors in this process, by transformers."""

import threading
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from llm_engineering.domain.errors import InvalidInput, MissingDependency, ModelError
from llm_engineering.infrastructure.llms.chat_turns import chat_turns
from llm_engineering.infrastructure.llms.options import ChatModelOptions

# nothing in these can run code
_SAFE_SUFFIXES = {".safetensors", ".json", ".jinja", ".txt", ".md", ".model"}


class TransformersChatModel(BaseChatModel):
    """Answers from a folder in transformers' layout. It is loaded when it is first asked.

    Answers one request at a time; the others wait. Closing a stream early ends its generation.

    Args:
        folder: configuration, tokenizer and safetensors weights.
        name: shown in errors and traces.
        device: `cpu`, or `gpu` for the first CUDA device.
    """

    folder: Path
    name: str | None = None
    device: str = "cpu"
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 256

    _model: Any = PrivateAttr(default=None)
    _tokenizer: Any = PrivateAttr(default=None)
    _loading: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _turn: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @classmethod
    def from_options(cls, folder: Path, name: str, options: ChatModelOptions) -> Self:
        """Returns the model of that folder, not loaded yet.

        Raises:
            InvalidInput: it is no folder, or a file in it could carry code.
            MissingDependency: torch or transformers are not installed.
        """
        _refuse_code(folder)
        _require_torch()
        return cls(
            folder=folder,
            name=name,
            device=options.device,
            temperature=options.temperature,
            top_p=options.top_p,
            max_tokens=options.max_new_tokens,
        )

    @property
    def _llm_type(self) -> str:
        return "transformers"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.name, "temperature": self.temperature, "top_p": self.top_p}

    def get_token_ids(self, text: str) -> list[int]:
        """Returns the model's own tokens of a text."""
        self._load()
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _load(self) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - slow to import

        notices: Any = import_module("transformers.utils.logging")  # it is not typed
        notices.disable_progress_bar()  # a command shows its own progress
        notices.set_verbosity_error()

        with self._loading:
            if self._model is not None:
                return
            safe = {"local_files_only": True, "trust_remote_code": False}
            try:
                self._tokenizer = AutoTokenizer.from_pretrained(self.folder, **safe)
                model = AutoModelForCausalLM.from_pretrained(
                    self.folder, use_safetensors=True, **safe
                )
            except (OSError, ValueError, KeyError) as error:
                reason = " ".join(str(error).split())[:200]
                raise ModelError(f"{self.name} cannot be loaded: {reason}") from error
            device: Any = "cuda" if self.device == "gpu" else "cpu"
            self._model = model.to(device).eval()

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        self._load()
        inputs = self._encoded(messages)
        prompt_tokens = int(inputs["input_ids"].shape[1])
        limit = kwargs.get("max_tokens") or self.max_tokens
        self._require_fit(prompt_tokens, limit)
        with self._turn, _Generation(self._model, self._tokenizer) as generation:
            generation.start(inputs, self._arguments(stop, limit, kwargs))
            for text in generation.texts():
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=text))
                if run_manager:
                    run_manager.on_llm_new_token(text, chunk=chunk)
                yield chunk
        tokens = generation.output_tokens
        usage = UsageMetadata(
            input_tokens=prompt_tokens, output_tokens=tokens, total_tokens=prompt_tokens + tokens
        )
        metadata = {
            "finish_reason": "length" if tokens >= limit else "stop",
            "model_name": self.name,
        }
        yield ChatGenerationChunk(
            message=AIMessageChunk(content="", usage_metadata=usage, response_metadata=metadata)
        )

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        chunks = [chunk.message for chunk in self._stream(messages, stop, **kwargs)]
        end = chunks[-1]
        message = AIMessage(
            content="".join(str(chunk.text) for chunk in chunks),
            usage_metadata=end.usage_metadata if isinstance(end, AIMessageChunk) else None,
            response_metadata=end.response_metadata,
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _encoded(self, messages: Sequence[BaseMessage]) -> Any:
        try:
            return self._tokenizer.apply_chat_template(
                chat_turns(messages),
                add_generation_prompt=True,
                return_tensors="pt",
                return_dict=True,
            ).to(self._model.device)
        except ValueError as error:
            raise ModelError(f"{self.name}: no chat template in the tokenizer") from error

    def _require_fit(self, prompt_tokens: int, answer_tokens: int) -> None:
        limit = getattr(self._model.config, "max_position_embeddings", None)
        if limit and prompt_tokens + answer_tokens > limit:
            raise ModelError(
                f"{self.name}: the prompt has {prompt_tokens} tokens and the answer may have "
                f"{answer_tokens}, the limit for both is {limit}"
            )

    def _arguments(
        self, stop: list[str] | None, limit: int, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        temperature = kwargs.get("temperature", self.temperature)
        arguments: dict[str, Any] = {"max_new_tokens": limit, "do_sample": temperature > 0}
        if temperature > 0:
            arguments |= {"temperature": temperature, "top_p": kwargs.get("top_p", self.top_p)}
        if stop:
            arguments |= {"stop_strings": stop, "tokenizer": self._tokenizer}
        return arguments


class _Generation:
    """One run of the model in its own thread, which ends with the block."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        from transformers import TextIteratorStreamer  # noqa: PLC0415 - slow to import

        self._model = model
        self._streamer: Any = TextIteratorStreamer(
            tokenizer, skip_prompt=True, skip_special_tokens=True
        )
        self._cancelled = threading.Event()
        self._error: Exception | None = None
        self.output_tokens = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cancelled.set()
        self._thread.join()

    def start(self, inputs: Any, arguments: dict[str, Any]) -> None:
        """Begins to generate."""
        self._thread = threading.Thread(target=self._run, args=(inputs, arguments), daemon=True)
        self._thread.start()

    def _run(self, inputs: Any, arguments: dict[str, Any]) -> None:
        prompt_tokens = inputs["input_ids"].shape[1]
        try:
            output = self._model.generate(
                **inputs,
                **arguments,
                streamer=self._streamer,
                stopping_criteria=[lambda *_, **__: self._cancelled.is_set()],
            )
            self.output_tokens = int(output.shape[1] - prompt_tokens)
        except Exception as error:  # noqa: BLE001 - the edge of a thread: the listener must hear of it
            self._error = error
            self._streamer.end()

    def texts(self) -> Iterator[str]:
        """Yields pieces of text as they come.

        Raises:
            ModelError: the model failed.
        """
        yield from (text for text in self._streamer if text)
        self._thread.join()
        if self._error:
            reason = " ".join(str(self._error).split())[:200]
            raise ModelError(f"the model failed: {reason}") from self._error


def _refuse_code(folder: Path) -> None:
    if not folder.is_dir():
        raise InvalidInput(f"{folder}: transformers read a folder; a file is `local:{folder}`")
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in _SAFE_SUFFIXES:
            raise InvalidInput(
                f"{path}: a model's folder may hold only {', '.join(sorted(_SAFE_SUFFIXES))}"
            )


def _require_torch() -> None:
    if not (find_spec("torch") and find_spec("transformers")):
        raise MissingDependency(
            "this model needs torch and transformers: type `poetry install --with train`"
        )
