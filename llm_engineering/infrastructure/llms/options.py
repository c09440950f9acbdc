"""What a chat model is made with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from llm_engineering.domain.errors import ConfigurationError


@dataclass(frozen=True)
class ChatModelOptions:
    """Sampling, device, folder and keys. Printing shows no key.

    Args:
        temperature: 0.0 (the likeliest token) to 2.0.
        top_p: share of the probability that is sampled from, above 0.0, to 1.0.
        max_new_tokens: the longest answer.
        device: where local models run.
        cache: where prepared local models are kept.
        timeout_s: of one request to a provider.
        max_retries: of the provider's client; 0 leaves them to who asks.
        google_base_url: another endpoint of Gemini's protocol.
        huggingface_base_url: another endpoint of the inference protocol.
    """

    cache: Path
    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int = 256
    device: Literal["cpu", "gpu"] = "cpu"
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    google_api_key: SecretStr | None = None
    google_base_url: str | None = None
    huggingface_token: SecretStr | None = None
    huggingface_base_url: str | None = None
    timeout_s: float = 60.0
    max_retries: int = 0


def required(key: SecretStr | None, provider: str, setting: str) -> SecretStr:
    """Returns the key.

    Raises:
        ConfigurationError: there is none; names the setting.
    """
    if key is None or not key.get_secret_value():
        raise ConfigurationError(f"the provider {provider} needs {setting}")
    return key
