"""Vendor errors of chat models, translated once into ours."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from llm_engineering.domain.errors import ConfigurationError, ModelError, PipelineError

_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Vendor:
    """How one provider fails.

    Args:
        name: the provider, as a reference names it.
        setting: the setting that holds its key.
        errors: the exceptions that its client raises.
    """

    name: str
    setting: str
    errors: tuple[type[Exception], ...]

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raises ConfigurationError or ModelError for the vendor's errors in the block."""
        try:
            yield
        except PipelineError:
            raise
        except self.errors as error:
            raise self._ours(error) from error

    def silent(self) -> ModelError:
        """Returns what is raised for a stream of nothing, or of what is not its protocol."""
        return ModelError(f"{self.name}: the answer has no content", transient=True)

    def _ours(self, error: Exception) -> PipelineError:
        status = _status(error)
        if status in _REFUSED:
            return ConfigurationError(
                f"{self.name} refused the key (HTTP {status}); check {self.setting}"
            )
        reason = " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__
        if status is None:
            # no answer at all, or one that broke off
            return ModelError(f"{self.name}: {reason}", transient=True)
        transient = (
            status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
            or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        )
        return ModelError(
            f"{self.name} answered HTTP {status}: {reason}",
            transient=transient,
            retry_after_s=_retry_after(error),
        )


def _status(error: BaseException | None) -> int | None:
    """Returns the HTTP status of a vendor's error or of what caused it."""
    while error is not None:
        response = getattr(error, "response", None)
        for holder, name in ((error, "status_code"), (error, "code"), (response, "status_code")):
            value = getattr(holder, name, None)
            if isinstance(value, int) and value >= HTTPStatus.BAD_REQUEST:
                return value
        error = error.__cause__
    return None


def _retry_after(error: BaseException | None) -> float | None:
    """Returns the seconds of the answer's Retry-After (RFC 9110, 10.2.3); a date is not read."""
    while error is not None:
        headers = getattr(getattr(error, "response", None), "headers", None) or {}
        value = str(headers.get("retry-after", ""))
        if value.isdecimal():
            return float(value)
        error = error.__cause__
    return None


class TranslatedErrors:
    """Mixed into a vendor's chat model: all that runs it raises our errors only.

    As the model stays the vendor's own class, `bind_tools` and `with_structured_output` work as
    the vendor made them, and raise our errors too.
    """

    vendor: ClassVar[Vendor]

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with self.vendor.translated():
            return super()._generate(messages, stop, run_manager, **kwargs)  # type: ignore[misc,no-any-return]

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with self.vendor.translated():
            return await super()._agenerate(messages, stop, run_manager, **kwargs)  # type: ignore[misc,no-any-return]

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        begun = False
        with self.vendor.translated():
            for chunk in super()._stream(*args, **kwargs):  # type: ignore[misc]
                begun = True
                yield chunk
        if not begun:
            raise self.vendor.silent()

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        begun = False
        with self.vendor.translated():
            async for chunk in super()._astream(*args, **kwargs):  # type: ignore[misc]
                begun = True
                yield chunk
        if not begun:
            raise self.vendor.silent()


def with_translated_errors(model: type[BaseChatModel], vendor: Vendor) -> type[BaseChatModel]:
    """Returns the vendor's class, raising our errors only."""
    namespace = {
        "vendor": vendor,
        "__annotations__": {"vendor": ClassVar[Vendor]},  # not a field of the model
        "__module__": model.__module__,
    }
    return type(model.__name__, (TranslatedErrors, model), namespace)
