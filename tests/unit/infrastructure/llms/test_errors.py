"""Vendor errors become ours, once."""

from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel

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
