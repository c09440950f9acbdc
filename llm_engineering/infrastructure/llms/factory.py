"""Chat models by reference, such as `local:NAME`, `openai:ID` or `mlflow:NAME@ALIAS`.

Each is a LangChain `BaseChatModel` that raises this platform's errors only.
"""

from collections.abc import Callable
from pathlib import Path

from langchain_core.language_models import BaseChatModel

from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.infrastructure.llms.google import make_google
from llm_engineering.infrastructure.llms.huggingface import make_huggingface
from llm_engineering.infrastructure.llms.local import LocalChatModel
from llm_engineering.infrastructure.llms.openai import make_openai
from llm_engineering.infrastructure.llms.options import ChatModelOptions
from llm_engineering.infrastructure.llms.transformers import TransformersChatModel

__all__ = ["ChatModelOptions", "make_chat_model"]


def make_chat_model(
    reference: str,
    options: ChatModelOptions,
    *,
    local_files: Callable[[str], Path],
    registered_folder: Callable[[str], Path],
) -> BaseChatModel:
    """Returns the chat model of a reference. Local weights are loaded when it is first asked.

    Args:
        reference: `provider:model`; `mlflow:name@alias` and `mlflow:name/version` name a
            registered model.
        options: sampling, device and keys.
        local_files: gives the verified GGUF file or transformers folder of a name.
        registered_folder: gives the verified folder of `name@alias` or `name/version`.

    Raises:
        ConfigurationError: the provider is unknown (names those that exist), or its setting is
            missing (names it).
        MissingDependency: the provider's optional group is not installed.
    """
    makers: dict[str, Callable[[str], BaseChatModel]] = {
        "local": lambda name: LocalChatModel.from_options(local_files(name), name, options),
        "openai": lambda model_id: make_openai(model_id, options),
        "google": lambda model_id: make_google(model_id, options),
        "huggingface": lambda model_id: make_huggingface(model_id, options),
        "transformers": lambda name: TransformersChatModel.from_options(
            local_files(name), name, options
        ),
        "mlflow": lambda name: TransformersChatModel.from_options(
            registered_folder(name), name, options
        ),
    }
    provider, _, model_id = reference.partition(":")
    if provider not in makers or not model_id:
        raise ConfigurationError(
            f"chat model {reference!r}: expected PROVIDER:MODEL with one of the providers "
            + ", ".join(makers)
        )
    return makers[provider](model_id)
