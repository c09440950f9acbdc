"""What a chat model is made with: keys that must be there and are never shown."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from pydantic import SecretStr

from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.infrastructure.llms.options import ChatModelOptions, required


@pytest.mark.parametrize("key", [None, SecretStr("")])
def test_a_missing_or_empty_key_names_provider_and_setting(key: SecretStr | None) -> None:
    with pytest.raises(ConfigurationError, match="the provider acme needs ACME_KEY"):
        required(key, "acme", "ACME_KEY")


def test_a_key_is_given_back_as_a_secret() -> None:
    key = required(SecretStr("canary"), "acme", "ACME_KEY")
    assert key.get_secret_value() == "canary"
    assert "canary" not in f"{key} {key!r}"


def test_printing_options_shows_no_key_and_they_cannot_be_changed() -> None:
    options = ChatModelOptions(
        cache=Path("cache"),
        openai_api_key=SecretStr("canary-1"),
        google_api_key=SecretStr("canary-2"),
        huggingface_token=SecretStr("canary-3"),
    )
    assert "canary" not in f"{options} {options!r}"
    with pytest.raises(FrozenInstanceError):
        options.temperature = 1.0  # type: ignore[misc]


def test_without_a_word_about_it_sampling_is_off() -> None:
    options = ChatModelOptions(cache=Path("cache"))
    assert options.temperature == 0.0
    assert options.device == "cpu"
