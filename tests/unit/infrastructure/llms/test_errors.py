"""Vendor errors become ours, once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk

from llm_engineering.domain.errors import ConfigurationError, ModelError
from llm_engineering.infrastructure.llms.errors import Vendor, with_translated_errors


class VendorError(Exception):
    def __init__(self, message: str, status_code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code


VENDOR = Vendor("acme", "ACME_KEY", (VendorError,))


def translated(error: Exception) -> Exception:
    with pytest.raises(Exception, match=r".") as raised, VENDOR.translated():
        raise error
    return raised.value


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_setting_and_not_the_key(status: int) -> None:
    error = translated(VendorError("bad key sk-canary", status))
    assert isinstance(error, ConfigurationError)
    assert str(error) == f"acme refused the key (HTTP {status}); check ACME_KEY"


@pytest.mark.parametrize(
    ("status", "transient"),
    [(400, False), (404, False), (408, True), (429, True), (500, True), (503, True), (None, True)],
)
def test_the_status_says_whether_a_retry_may_help(status: int | None, transient: bool) -> None:
    error = translated(VendorError("first line\nsecond line", status))
    assert isinstance(error, ModelError)
    assert error.transient is transient
    assert "first line second line" in str(error)
    assert str(error).startswith("acme")


class Answer:
    """What a vendor's error holds of the HTTP answer."""

    def __init__(self, status_code: int = 429, **headers: str) -> None:
        self.status_code = status_code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def with_answer(answer: Answer, *, deep: bool = False) -> VendorError:
    error = VendorError("busy")
    holder = error
    if deep:
        error.__cause__ = holder = VendorError("inner")
    holder.response = answer  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("86400", 86400.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("\u00b2", None),  # a digit by Unicode, and no number
    ],
)
def test_the_wait_that_a_provider_asks_for_is_told(
    told: str, seconds: float | None, deep: bool
) -> None:
    error = translated(with_answer(Answer(retry_after=told), deep=deep))
    assert isinstance(error, ModelError)
    assert error.transient
    assert error.retry_after_s == seconds


@pytest.mark.parametrize("status", [200, 302, 399])
def test_an_answer_that_is_no_error_is_one_that_broke_off(status: int) -> None:
    error = translated(with_answer(Answer(status)))
    assert isinstance(error, ModelError)
    assert error.transient
    assert "HTTP" not in str(error)


def test_a_status_that_is_no_number_is_not_read() -> None:
    class Coded(VendorError):
        code = "rate_limit_exceeded"

    assert str(translated(Coded("slow down"))) == "acme: slow down"


@pytest.mark.parametrize(("message", "told"), [("", "VendorError"), ("x" * 900, "x" * 300)])
def test_the_reason_has_a_bearable_length(message: str, told: str) -> None:
    assert str(translated(VendorError(message))) == f"acme: {told}"


def test_the_status_of_the_cause_counts() -> None:
    error = VendorError("wrapped")
    error.__cause__ = VendorError("inner", 400)
    assert not getattr(translated(error), "transient", True)


def test_other_errors_pass_as_they_are() -> None:
    for error in (KeyError("ours"), ModelError("said already")):
        assert translated(error) is error


def test_a_model_keeps_its_class_and_raises_our_errors() -> None:
    class Failing(GenericFakeChatModel):
        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            raise VendorError("busy", 429)

    model = with_translated_errors(Failing, VENDOR)(messages=iter([]))
    assert isinstance(model, Failing)
    with pytest.raises(ModelError, match="acme answered HTTP 429: busy"):
        model.invoke("hello")
    with pytest.raises(ModelError, match="acme answered HTTP 429: busy"):
        model.bind(stop=["x"]).invoke("hello")


class Speaking(GenericFakeChatModel):
    """Says some words, and then fails if it was told to."""

    words: tuple[str, ...] = ()
    failure: Exception | None = None

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        for word in self.words:
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        if self.failure:
            raise self.failure

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream():
            yield chunk

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        raise self.failure or VendorError("nothing to say")


def speaking(*words: str, failure: Exception | None = None) -> BaseChatModel:
    made = with_translated_errors(Speaking, VENDOR)
    return made(messages=iter([]), words=words, failure=failure)


async def heard(model: BaseChatModel) -> list[str]:
    return [chunk.text async for chunk in model.astream("hello") if chunk.text]


def test_a_stream_passes_through_as_it_is() -> None:
    assert "".join(chunk.text for chunk in speaking("the ", "tide").stream("hello")) == "the tide"
    assert asyncio.run(heard(speaking("the ", "tide"))) == ["the ", "tide"]


def test_a_stream_of_nothing_is_a_failure_that_may_pass() -> None:
    with pytest.raises(ModelError, match="acme: the answer has no content") as silent:
        list(speaking().stream("hello"))
    assert silent.value.transient
    with pytest.raises(ModelError, match="acme: the answer has no content"):
        asyncio.run(heard(speaking()))


def test_a_stream_that_breaks_gives_what_came_and_then_our_error() -> None:
    came = []
    with pytest.raises(ModelError, match="acme answered HTTP 500: cut") as broken:
        came += [chunk.text for chunk in _told(speaking("the ", failure=VendorError("cut", 500)))]
    assert broken.value.transient
    with pytest.raises(ConfigurationError, match="check ACME_KEY"):
        asyncio.run(heard(speaking(failure=VendorError("no", 401))))


def _told(model: BaseChatModel) -> Iterator[BaseMessage]:
    stream = model.stream("hello")
    assert next(stream).text == "the "
    yield from stream


def test_an_answer_that_is_awaited_fails_in_our_words() -> None:
    with pytest.raises(ModelError, match="acme answered HTTP 404: unknown model") as failure:
        asyncio.run(speaking(failure=VendorError("unknown model", 404)).ainvoke("hello"))
    assert not failure.value.transient
