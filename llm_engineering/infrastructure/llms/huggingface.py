"""Hugging Face's inference API."""

from langchain_core.language_models import BaseChatModel

from llm_engineering.domain.errors import MissingDependency
from llm_engineering.infrastructure.llms.errors import Vendor, with_translated_errors
from llm_engineering.infrastructure.llms.options import ChatModelOptions, required


def make_huggingface(model_id: str, options: ChatModelOptions) -> BaseChatModel:
    """Returns the model of that repository, served by the inference API.

    Raises:
        ConfigurationError: HUGGINGFACE_ACCESS_TOKEN is missing.
        MissingDependency: langchain-huggingface is not installed.
    """
    token = required(options.huggingface_token, "huggingface", "HUGGINGFACE_ACCESS_TOKEN")
    # slow to import
    import httpx  # noqa: PLC0415
    from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError  # noqa: PLC0415

    try:
        from langchain_huggingface import ChatHuggingFace, HuggingFaceEndpoint  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependency(
            "huggingface: models need langchain-huggingface: type `poetry install --with train`"
        ) from error

    failures = (HfHubHTTPError, InferenceTimeoutError, httpx.HTTPError, ValueError)
    model = with_translated_errors(
        ChatHuggingFace, Vendor("huggingface", "HUGGINGFACE_ACCESS_TOKEN", failures)
    )
    endpoint = HuggingFaceEndpoint(
        model=options.huggingface_base_url or model_id,
        huggingfacehub_api_token=token.get_secret_value(),
        task="text-generation",
        timeout=int(options.timeout_s),
    )
    return model(
        llm=endpoint,
        model_id=model_id,
        temperature=options.temperature,
        top_p=options.top_p,
        max_tokens=options.max_new_tokens,
    )
