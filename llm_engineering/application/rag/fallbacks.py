"""Chat models in order: when one fails before its first word, the next one answers."""

import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from time import monotonic, sleep
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from pydantic import ConfigDict, PrivateAttr, SkipValidation

from llm_engineering.application.rag.circuit_breaker import CircuitBreaker
from llm_engineering.application.rag.crew import Crew
from llm_engineering.application.rag.prices import REPORTED_COST, Price, cost_usd
from llm_engineering.application.rag.timed_stream import TimedStream
from llm_engineering.domain.errors import ModelError, PipelineError

_log = logging.getLogger(__name__)

MODEL = "model_reference"
SKIPPED = "skipped_models"
COST = "cost_usd"


@dataclass(frozen=True)
class Patience:
    """How long models are waited for, in seconds, and how often they are asked again.

    `deadline_s` covers one call with all its retries and fallbacks: a model has the time left,
    divided by the number of models that are left. `retries` is the budget of a call, over all
    models; waits between them begin at `backoff_s` and double.
    """

    deadline_s: float = 120.0
    first_token_s: float = 60.0
    idle_s: float = 30.0
    retries: int = 2
    backoff_s: float = 0.5
    failures: int = 3
    rest_s: float = 30.0


@dataclass
class _Call:
    """One call on its way: its end on the clock, its retries left, and who failed, why."""

    ends: float
    retries: int
    skipped: dict[str, str] = field(default_factory=dict)


class ChatModelChain(BaseChatModel):
    """Asks the models in order; the metadata of the answer say who wrote it, and what it cost.

    They name those that failed, too. Of the errors only transient ones are tried again. Once a
    word has been shown, an error ends the answer: another model would begin another one.

    Args:
        models: by their references, the preferred first.
        patience: how long, and how often.
        prices: of models, by their references.
        timer: returns seconds.
        wait: sleeps so many seconds.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    models: SkipValidation[Mapping[str, BaseChatModel]]
    patience: Patience = Patience()
    prices: Mapping[str, Price] = {}
    timer: Callable[[], float] = monotonic
    wait: Callable[[float], None] = sleep

    _breakers: dict[str, CircuitBreaker] = PrivateAttr(default_factory=dict)
    _crew: Crew = PrivateAttr(default_factory=Crew)

    def model_post_init(self, context: object) -> None:
        """Gives every model its breaker."""
        super().model_post_init(context)
        rules = self.patience
        self._breakers = {
            name: CircuitBreaker(rules.failures, rules.rest_s, self.timer) for name in self.models
        }

    @property
    def _llm_type(self) -> str:
        return "chain"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"models": list(self.models)}

    @property
    def first(self) -> BaseChatModel:
        """The preferred model."""
        return next(iter(self.models.values()))

    @property
    def resting(self) -> tuple[str, ...]:
        """The models that failed again and again, and have not answered since."""
        return tuple(name for name, breaker in self._breakers.items() if breaker.is_open)

    def get_token_ids(self, text: str) -> list[int]:
        """Returns the preferred model's tokens of a text."""
        return self.first.get_token_ids(text)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Returns a runnable that asks the models in order for an answer of that shape."""
        first, *others = (
            model.with_structured_output(schema, include_raw=include_raw, **kwargs)
            for model in self.models.values()
        )
        return first.with_fallbacks(others, exceptions_to_handle=(PipelineError,))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def stream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        """Yields what the first model says that answers; the last piece has the metadata.

        Callbacks hear of that model's run. A run of the chain around it would say the same again,
        and costs a question more than its prompt does.
        """
        messages = self._convert_input(input).to_messages()
        yield from self._pieces(messages, config=config, stop=stop, **kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with closing(self._pieces(messages, stop=stop, **kwargs)) as pieces:
            for piece in pieces:
                chunk = ChatGenerationChunk(message=piece)
                if run_manager:
                    run_manager.on_llm_new_token(piece.text, chunk=chunk)
                yield chunk

    def _pieces(
        self, messages: list[BaseMessage], **kwargs: Any
    ) -> Generator[AIMessageChunk, None, None]:
        call = _Call(self.timer() + self.patience.deadline_s, self.patience.retries)
        name, stream, pieces = self._begun(call, lambda model: model.stream(messages, **kwargs))
        billed: list[AIMessageChunk] = []
        try:
            while pieces:
                message = _together(pieces)
                if message.usage_metadata or REPORTED_COST in message.response_metadata:
                    billed.append(message)
                yield message
                pieces = self._next(stream, self.patience.idle_s, call.ends)
        except PipelineError:
            self._breakers[name].failed()
            raise
        finally:
            stream.close()
        self._breakers[name].succeeded()
        told = {MODEL: name, SKIPPED: call.skipped, COST: self._cost(name, billed)}
        yield AIMessageChunk(content="", response_metadata=told)

    def _cost(self, name: str, billed: list[AIMessageChunk]) -> float | None:
        if not billed:
            return None
        return cost_usd(add_ai_message_chunks(*billed), self.prices.get(name))

    def _begun(
        self, call: _Call, start: Callable[[BaseChatModel], Iterator[AIMessage]]
    ) -> tuple[str, TimedStream[AIMessage], list[AIMessage]]:
        """Returns the first model that answers, its stream, and its pieces up to the first word.

        Raises:
            ModelError: none did; says why, model by model.
        """
        for place, (name, model) in enumerate(self.models.items()):
            if not self._breakers[name].admits():
                call.skipped[name] = "it failed again and again, and rests"
                continue
            begun = self._tried(call, name, partial(start, model), len(self.models) - place)
            if begun:
                return name, *begun
        reasons = "; ".join(f"{name}: {reason}" for name, reason in call.skipped.items())
        raise ModelError(f"no chat model answered: {reasons}", transient=True)

    def _tried(
        self, call: _Call, name: str, start: Callable[[], Iterator[AIMessage]], models_left: int
    ) -> tuple[TimedStream[AIMessage], list[AIMessage]] | None:
        """Asks one model, again while that may help; None, and the reason noted, if it does not."""
        pause = self.patience.backoff_s
        ends = self.timer() + (call.ends - self.timer()) / models_left
        while True:
            stream = TimedStream(start, name, self._crew)
            try:
                pieces = self._until_first_word(stream, ends)
            except PipelineError as error:
                stream.close()
                self._breakers[name].failed()
                call.skipped[name] = str(error)
                _log.warning("%s is not used: %s", name, error)
                pause = max(pause, getattr(error, "retry_after_s", None) or 0.0)
                again = error.transient and call.retries and self.timer() + pause < ends
                if not again:
                    return None
                call.retries -= 1
                self.wait(pause)
                pause *= 2
            else:
                call.skipped.pop(name, None)
                return stream, pieces

    def _until_first_word(self, stream: TimedStream[AIMessage], ends: float) -> list[AIMessage]:
        ends = min(ends, self.timer() + self.patience.first_token_s)
        pieces: list[AIMessage] = []
        while not any(piece.text for piece in pieces):
            more = self._next(stream, ends - self.timer(), ends)
            if not more:
                raise ModelError("the answer has no word", transient=True)
            pieces += more
        return pieces

    def _next(self, stream: TimedStream[AIMessage], seconds: float, ends: float) -> list[AIMessage]:
        """Returns the pieces that have come; none after the last."""
        return stream.next(min(seconds, ends - self.timer()))


def _together(pieces: Sequence[AIMessage]) -> AIMessageChunk:
    first, *others = map(_as_chunk, pieces)
    return add_ai_message_chunks(first, *others) if others else first


def _as_chunk(message: AIMessage) -> AIMessageChunk:
    """Returns a piece of a stream; models that cannot stream yield one whole message."""
    if isinstance(message, AIMessageChunk):
        return message
    return AIMessageChunk(
        content=message.content,
        usage_metadata=message.usage_metadata,
        response_metadata=message.response_metadata,
    )
