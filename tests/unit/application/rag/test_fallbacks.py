import threading
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.outputs import ChatGenerationChunk, ChatResult, LLMResult
from pydantic import BaseModel

from llm_engineering.application.rag.fallbacks import (
    COST,
    MODEL,
    SKIPPED,
    ChatModelChain,
    Patience,
)
from llm_engineering.application.rag.prices import Price
from llm_engineering.domain.errors import ConfigurationError, ModelError
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel

BUSY = ModelError("busy", transient=True)
WRONG_KEY = ConfigurationError("openai refused the key (HTTP 401); check OPENAI_API_KEY")


class Clock:
    """A clock that stands still but for the waits, which it notes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


class Stalling(BaseChatModel):
    """Says some words, then nothing more until it is let go."""

    words: list[str]
    gate: Any

    @property
    def _llm_type(self) -> str:
        return "stalling"

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise NotImplementedError

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for word in self.words:
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        self.gate.wait(30)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    held = threading.Event()
    yield held
    held.set()


def chain(clock: Clock, *models: BaseChatModel, **patience: Any) -> ChatModelChain:
    named = {f"test:{name}": model for name, model in zip("abc", models, strict=False)}
    return ChatModelChain(models=named, patience=Patience(**patience), timer=clock, wait=clock.wait)


def test_the_first_model_answers_and_says_so(clock: Clock) -> None:
    second = ScriptedChatModel(["unused"])
    answer = chain(clock, ScriptedChatModel(["Hello there"]), second).invoke("Hi")
    assert answer.text == "Hello there"
    assert answer.response_metadata[MODEL] == "test:a"
    assert answer.response_metadata[SKIPPED] == {}
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] == 2
    assert second.asked == []


class Listener(BaseCallbackHandler):
    """Notes the runs of chat models, and their ends."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **_: Any) -> None:
        self.heard.append(f"asked {messages[0][0].text}")

    def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        self.heard.append(f"told {response.generations[0][0].text}")


def test_callbacks_hear_of_the_run_of_the_model_that_answers(clock: Clock) -> None:
    listener = Listener()
    model = chain(clock, ScriptedChatModel([WRONG_KEY]), ScriptedChatModel(["one two"]))
    assert "".join(p.text for p in model.stream("Hi", {"callbacks": [listener]})) == "one two"
    assert listener.heard == ["asked Hi", "asked Hi", "told one two"]


class Paced(ScriptedChatModel):
    """Says its next word when the last one was heard."""

    gate: Any

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        for chunk in super()._stream(*args, **kwargs):
            yield chunk
            self.gate.acquire(timeout=30)


def test_it_streams_word_by_word(clock: Clock) -> None:
    heard = threading.Semaphore(0)
    pieces = []
    for piece in chain(clock, Paced(answers=["one two three"], gate=heard)).stream("Hi"):
        pieces.append(piece.text)
        heard.release()
    assert [piece for piece in pieces if piece] == ["one", " two", " three"]


def test_words_that_came_meanwhile_are_one_piece_and_lose_nothing(clock: Clock) -> None:
    pieces = list(chain(clock, ScriptedChatModel(["one two three"])).stream("Hi"))
    whole = add_ai_message_chunks(*pieces)
    assert whole.text == "one two three"
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["output_tokens"] == 3
    assert whole.response_metadata["finish_reason"] == "stop"


def test_what_may_pass_is_tried_again_within_the_budget(clock: Clock) -> None:
    model = ScriptedChatModel([BUSY, BUSY, "at last"])
    answer = chain(clock, model, retries=2, backoff_s=0.5).invoke("Hi")
    assert (answer.text, clock.waits) == ("at last", [0.5, 1.0])
    assert answer.response_metadata[SKIPPED] == {}


def test_the_budget_is_one_for_all_models(clock: Clock) -> None:
    first, second = ScriptedChatModel([BUSY] * 5), ScriptedChatModel([BUSY] * 5)
    with pytest.raises(ModelError, match="test:a: busy; test:b: busy"):
        chain(clock, first, second, retries=2).invoke("Hi")
    assert (len(first.asked), len(second.asked)) == (3, 1)


def test_the_provider_says_how_long_to_wait(clock: Clock) -> None:
    limited = ModelError("slow down", transient=True, retry_after_s=7.0)
    answer = chain(clock, ScriptedChatModel([limited, "now"])).invoke("Hi")
    assert (answer.text, clock.waits) == ("now", [7.0])


def test_a_wait_beyond_its_share_of_the_time_goes_to_the_next_model(clock: Clock) -> None:
    limited = ModelError("come back tomorrow", transient=True, retry_after_s=86_400.0)
    models = (ScriptedChatModel([limited]), ScriptedChatModel(["here"]))
    answer = chain(clock, *models).invoke("Hi")
    assert answer.response_metadata[MODEL] == "test:b"
    assert clock.waits == []


def test_a_wrong_setting_is_not_tried_again_and_is_named(clock: Clock) -> None:
    first = ScriptedChatModel([WRONG_KEY, "never"])
    answer = chain(clock, first, ScriptedChatModel(["from the other"])).invoke("Hi")
    assert answer.text == "from the other"
    assert "OPENAI_API_KEY" in answer.response_metadata[SKIPPED]["test:a"]
    assert len(first.asked) == 1
    assert clock.waits == []


def test_when_all_fail_every_reason_is_told(clock: Clock) -> None:
    models = ScriptedChatModel([WRONG_KEY]), ScriptedChatModel([ModelError("too long")])
    with pytest.raises(ModelError, match=r"test:a: openai refused.*; test:b: too long"):
        chain(clock, *models).invoke("Hi")


def test_a_model_that_says_nothing_gives_way(clock: Clock, gate: threading.Event) -> None:
    silent = Stalling(words=["", ""], gate=gate)
    answer = chain(
        clock, silent, ScriptedChatModel(["I am here"]), first_token_s=0.05, retries=0
    ).invoke("Hi")
    assert answer.text == "I am here"
    assert "nothing came" in answer.response_metadata[SKIPPED]["test:a"]


def test_after_the_first_word_no_other_model_takes_over(
    clock: Clock, gate: threading.Event
) -> None:
    second = ScriptedChatModel(["unused"])
    stream = chain(clock, Stalling(words=["Once"], gate=gate), second, idle_s=0.05).stream("Hi")
    assert next(stream).text == "Once"
    with pytest.raises(ModelError, match="nothing came"):
        list(stream)
    assert second.asked == []


def test_an_answer_without_a_word_is_none(clock: Clock) -> None:
    models = chain(clock, ScriptedChatModel([""]), ScriptedChatModel(["Hello"]), retries=0)
    answer = models.invoke("Hi")
    assert answer.text == "Hello"
    assert answer.response_metadata[SKIPPED] == {"test:a": "the answer has no word"}


def test_what_keeps_failing_rests(clock: Clock) -> None:
    first = ScriptedChatModel([ModelError("down")] * 2 + ["up again"])
    models = chain(clock, first, ScriptedChatModel(["b"] * 5), failures=2, rest_s=30.0)
    for _ in range(3):
        assert models.invoke("Hi").text == "b"
    assert len(first.asked) == 2
    assert models.resting == ("test:a",)
    clock.now += 30.0
    assert models.invoke("Hi").text == "up again"
    assert not models.resting


def test_settings_of_a_call_reach_the_model(clock: Clock) -> None:
    model = ScriptedChatModel(["yes"])
    chain(clock, model).bind(max_tokens=1).invoke("Hi", stop=["."])
    assert model.settings == [{"max_tokens": 1, "stop": ["."]}]


def test_a_structured_answer_falls_back_too(clock: Clock) -> None:
    class Found(BaseModel):
        author: str

    models = ScriptedChatModel([BUSY]), ScriptedChatModel(['{"author": "Ada"}'])
    found = chain(clock, *models).with_structured_output(Found).invoke("Who?")
    assert found == Found(author="Ada")


def test_tokens_are_counted_by_the_first_model(clock: Clock) -> None:
    models = chain(clock, ScriptedChatModel([]), ScriptedChatModel([]))
    assert models.get_num_tokens("one two three") == 3
    assert models.first is models.models["test:a"]


def test_an_answer_says_what_it_cost_at_the_price_of_who_wrote_it(clock: Clock) -> None:
    models = {
        "test:a": ScriptedChatModel([WRONG_KEY]),
        "test:b": ScriptedChatModel(["Hello there"]),
    }
    prices = {"test:a": Price(1e9, 1e9), "test:b": Price(0.0, 3.0)}
    priced = ChatModelChain(models=models, prices=prices, timer=clock, wait=clock.wait)
    assert priced.invoke("Hi").response_metadata[COST] == pytest.approx(2 * 3 / 1_000_000)


def test_where_nobody_knows_the_price_no_cost_is_told(clock: Clock) -> None:
    answer = chain(clock, ScriptedChatModel(["Hello there"])).invoke("Hi")
    assert answer.response_metadata[COST] is None
