"""Gemini, by Google's API."""

from langchain_core.language_models import BaseChatModel

from llm_engineering.infrastructure.llms.errors import Vendor, with_translated_errors
from llm_engineering.infrastructure.llms.options import ChatModelOptions, required


def make_google(model_id: str, options: ChatModelOptions) -> BaseChatModel:
    """Returns the Gemini model of that id.

    Raises:
        ConfigurationError: GOOGLE_API_KEY is missing.
    """
    key = required(options.google_api_key, "google", "GOOGLE_API_KEY")
    # slow to import
    import httpx  # noqa: PLC0415
    from google.genai.errors import APIError, UnknownApiResponseError  # noqa: PLC0415
    from langchain_google_genai import ChatGoogleGenerativeAI  # noqa: PLC0415
    from langchain_google_genai.chat_models import ChatGoogleGenerativeAIError  # noqa: PLC0415

    failures = (
        ChatGoogleGenerativeAIError,
        APIError,
        UnknownApiResponseError,  # not JSON
        httpx.HTTPError,
    )
    model = with_translated_errors(
        ChatGoogleGenerativeAI, Vendor("google", "GOOGLE_API_KEY", failures)
    )
    return model(
        model=model_id,
        google_api_key=key,
        base_url=options.google_base_url,
        temperature=options.temperature,
        top_p=options.top_p,
        max_output_tokens=options.max_new_tokens,
        timeout=options.timeout_s,
        max_retries=options.max_retries,
    )
