"""The providers' chat models against a scripted server that speaks their protocol."""

import asyncio
from pathlib import Path

import pytest
from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, SecretStr

from llm_engineering.application.rag.fallbacks import COST, ChatModelChain
from llm_engineering.domain.errors import ConfigurationError, ModelError, PipelineError
from llm_engineering.infrastructure.llms.factory import ChatModelOptions, make_chat_model
from tests.integration.scripted_provider import Reply, ScriptedProvider, scripted_provider

KEY = SecretStr("sk-canary")
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def chat_completion(content: str) -> dict[str, object]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content},
        "finish_reason": "stop",
    }
    head = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
    return {**head, "choices": [choice], "usage": USAGE}


def chunk(content: str, finish_reason: str | None = None) -> dict[str, object]:
    delta = {"role": "assistant", "content": content}
    head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {**head, "choices": [choice]}


STREAM = [
    chunk("Hello"),
    chunk(" there", "stop"),
    {**chunk(""), "choices": [], "usage": USAGE},
]


def model_of(reference: str, provider: ScriptedProvider, folder: Path) -> BaseChatModel:
    options = ChatModelOptions(
        cache=folder,
        max_new_tokens=11,
        openai_api_key=KEY,
        openai_base_url=f"{provider.url}/v1",
        google_api_key=KEY,
        google_base_url=provider.url,
        huggingface_token=KEY,
        huggingface_base_url=provider.url,
        timeout_s=5,
        max_retries=0,
    )
    return make_chat_model(
        reference, options, local_files=lambda _: folder, registered_folder=lambda _: folder
    )


def test_openai_answers_with_usage(tmp_path: Path) -> None:
    with scripted_provider(Reply.json(chat_completion("Hello there"))) as provider:
        answer = model_of("openai:gpt-4o-mini", provider, tmp_path).invoke("Hi")
    assert answer.content == "Hello there"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] == 7
    assert answer.response_metadata["finish_reason"] == "stop"
    (request,) = provider.requests
    assert request["model"] == "gpt-4o-mini"
    assert request["temperature"] == 0.0
    assert request["max_completion_tokens"] == 11
    assert provider.paths == ["/v1/chat/completions"]


def test_openai_streams_with_usage(tmp_path: Path) -> None:
    async def read(model: BaseChatModel) -> str:
        return "".join([str(piece.text) async for piece in model.astream("Hi")])

    with scripted_provider(Reply.events(STREAM)) as provider:
        model = model_of("openai:gpt-4o-mini", provider, tmp_path)
        pieces = list(model.stream("Hi"))
        assert asyncio.run(read(model)) == "Hello there"
    assert "".join(str(piece.text) for piece in pieces) == "Hello there"
    assert [piece.usage_metadata["total_tokens"] for piece in pieces if piece.usage_metadata] == [7]


def test_the_cost_that_an_endpoint_reports_is_kept(tmp_path: Path) -> None:
    told = {**chunk(""), "choices": [], "usage": {**USAGE, "cost": 0.0021}}
    with scripted_provider(Reply.events([*STREAM[:2], told])) as provider:
        model = model_of("openai:gpt-4o-mini", provider, tmp_path)
        answer = ChatModelChain(models={"openai:gpt-4o-mini": model}).invoke("Hi")
    assert answer.response_metadata[COST] == pytest.approx(0.0021)


def test_openai_gives_structured_answers(tmp_path: Path) -> None:
    class Filter(BaseModel):
        author: str

    with scripted_provider(Reply.json(chat_completion('{"author": "Ada"}'))) as provider:
        model = model_of("openai:gpt-4o-mini", provider, tmp_path)
        assert model.with_structured_output(Filter).invoke("Who?") == Filter(author="Ada")
        provider.replies[:] = [Reply.json({"error": {"message": "slow down"}}, 429)]
        with pytest.raises(ModelError, match="HTTP 429"):
            model.with_structured_output(Filter).invoke("Who?")


def test_openai_refusing_the_key_names_the_setting(tmp_path: Path) -> None:
    reply = Reply.json({"error": {"message": f"bad key {KEY.get_secret_value()}"}}, 401)
    with (
        scripted_provider(reply) as provider,
        pytest.raises(ConfigurationError, match="OPENAI_API_KEY") as refused,
    ):
        model_of("openai:gpt-4o-mini", provider, tmp_path).invoke("Hi")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("reply", "transient"),
    [
        (Reply.json({"error": {"message": "slow down"}}, 429), True),
        (Reply.json({"error": {"message": "broken"}}, 500), True),
        (Reply.json({"error": {"message": "context too long"}}, 400), False),
        (Reply(b"<html>proxy</html>"), True),
        (Reply(b'{"id": "1", "choices"', cut=True), True),
        (Reply.json({"id": "1", "choices": None}), True),
    ],
    ids=["429", "500", "400", "not JSON", "cut", "no choices"],
)
def test_openai_failures_are_ours(reply: Reply, transient: bool, tmp_path: Path) -> None:
    with scripted_provider(reply) as provider, pytest.raises(PipelineError) as failed:
        model_of("openai:gpt-4o-mini", provider, tmp_path).invoke("Hi")
    assert isinstance(failed.value, ModelError)
    assert failed.value.transient is transient
    assert "\n" not in str(failed.value)


def test_openai_stream_that_is_cut_is_an_error_after_what_came(tmp_path: Path) -> None:
    pieces: list[str] = []
    with scripted_provider(Reply.events(STREAM[:1], cut=True)) as provider:
        stream = model_of("openai:gpt-4o-mini", provider, tmp_path).stream("Hi")
        with pytest.raises(ModelError) as failed:
            pieces.extend(str(piece.text) for piece in stream)
    assert failed.value.transient
    assert pieces[0] == "Hello"


@pytest.mark.parametrize("reference", ["openai:m", "huggingface:owner/m"])
def test_a_stream_of_nothing_is_an_error(reference: str, tmp_path: Path) -> None:
    async def read(model: BaseChatModel) -> None:
        async for _ in model.astream("Hi"):
            pass

    if reference.startswith("huggingface"):
        pytest.importorskip("langchain_huggingface")
    nothing = Reply(b"<html>proxy</html>", content_type="text/event-stream")
    with scripted_provider(nothing) as provider:
        model = model_of(reference, provider, tmp_path)
        with pytest.raises(ModelError, match="no content") as failed:
            list(model.stream("Hi"))
        assert failed.value.transient
        with pytest.raises(ModelError, match=r"no content|huggingface"):
            asyncio.run(read(model))


def test_openai_out_of_reach_is_transient(tmp_path: Path) -> None:
    nowhere = ScriptedProvider([], url="http://127.0.0.1:9")
    with pytest.raises(ModelError) as failed:
        model_of("openai:gpt-4o-mini", nowhere, tmp_path).invoke("Hi")
    assert failed.value.transient


GEMINI = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "Hello there"}]}, "finishReason": "STOP"}
    ],
    "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7},
}


def test_google_answers_with_usage(tmp_path: Path) -> None:
    with scripted_provider(Reply.json(GEMINI)) as provider:
        answer = model_of("google:gemini-2.5-flash", provider, tmp_path).invoke("Hi")
    assert answer.text == "Hello there"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] == 7
    assert provider.paths[0].endswith("/models/gemini-2.5-flash:generateContent")


@pytest.mark.parametrize(("status", "kind"), [(403, ConfigurationError), (503, ModelError)])
def test_google_failures_are_ours(status: int, kind: type[PipelineError], tmp_path: Path) -> None:
    error = {"error": {"code": status, "message": "no", "status": "NO"}}
    with scripted_provider(Reply.json(error, status)) as provider, pytest.raises(kind) as failed:
        model_of("google:gemini-2.5-flash", provider, tmp_path).invoke("Hi")
    assert failed.value.transient is (kind is ModelError)


def test_huggingface_answers_with_usage(tmp_path: Path) -> None:
    pytest.importorskip("langchain_huggingface")
    with scripted_provider(Reply.json(chat_completion("Hello there"))) as provider:
        answer = model_of("huggingface:owner/model", provider, tmp_path).invoke("Hi")
    assert answer.text == "Hello there"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] == 7


def test_huggingface_failures_are_ours(tmp_path: Path) -> None:
    pytest.importorskip("langchain_huggingface")
    with (
        scripted_provider(Reply.json({"error": "no"}, 401)) as provider,
        pytest.raises(ConfigurationError, match="HUGGINGFACE_ACCESS_TOKEN"),
    ):
        model_of("huggingface:owner/model", provider, tmp_path).invoke("Hi")
