"""OpenAI, and every endpoint that speaks its protocol (vLLM, Ollama, ...)."""

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.outputs import ChatGenerationChunk

from llm_engineering.application.rag.prices import REPORTED_COST
from llm_engineering.infrastructure.llms.errors import Vendor, with_translated_errors
from llm_engineering.infrastructure.llms.options import ChatModelOptions, required


def make_openai(model_id: str, options: ChatModelOptions) -> BaseChatModel:
    """Returns the model of that id at OpenAI or at the base URL.

    Raises:
        ConfigurationError: OPENAI_API_KEY is missing.
    """
    key = required(options.openai_api_key, "openai", "OPENAI_API_KEY")
    # slow to import
    import httpx  # noqa: PLC0415
    from langchain_openai import ChatOpenAI  # noqa: PLC0415
    from openai import OpenAIError  # noqa: PLC0415

    # ValueError: an answer that is not JSON; TypeError: one without choices
    failures = (OpenAIError, httpx.HTTPError, ValueError, TypeError)
    place = f" at {options.openai_base_url}" if options.openai_base_url else ""
    vendor = Vendor(f"openai{place}", "OPENAI_API_KEY", failures)

    class CostReporting(ChatOpenAI):
        """Keeps the cost that OpenRouter and LiteLLM report in the usage of a stream."""

        def _convert_chunk_to_generation_chunk(
            self, chunk: dict[str, Any], *args: Any, **kwargs: Any
        ) -> ChatGenerationChunk | None:
            converted = super()._convert_chunk_to_generation_chunk(chunk, *args, **kwargs)
            cost = (chunk.get("usage") or {}).get("cost")
            if converted and isinstance(cost, int | float):
                converted.message.response_metadata[REPORTED_COST] = float(cost)
            return converted

    model = with_translated_errors(CostReporting, vendor)
    return model(
        model=model_id,
        api_key=key,
        base_url=options.openai_base_url,
        temperature=options.temperature,
        top_p=options.top_p,
        max_tokens=options.max_new_tokens,
        timeout=options.timeout_s,
        max_retries=options.max_retries,
        stream_usage=True,
    )
