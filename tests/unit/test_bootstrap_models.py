"""The composition root: which encoders, chat models and trainer the settings give."""

from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from langchain_core.language_models import BaseChatModel, FakeListChatModel

from llm_engineering.application.rag.fallbacks import ChatModelChain, Patience
from llm_engineering.domain.errors import ConfigurationError, InvalidInput
from llm_engineering.infrastructure.encoders.bm25 import Bm25Encoder
from llm_engineering.infrastructure.encoders.openvino_cross_encoder import OpenVINOCrossEncoder
from llm_engineering.infrastructure.encoders.openvino_embedding import OpenVINOEmbeddingModel
from llm_engineering.infrastructure.encoders.torch_models import TorchEmbeddingModel
from llm_engineering.infrastructure.in_memory.registry import InMemoryModelRegistry
from llm_engineering.infrastructure.llms import factory
from llm_engineering.infrastructure.llms.local import LocalChatModel
from llm_engineering.infrastructure.llms.transformers import TransformersChatModel
from llm_engineering.infrastructure.trainers import factory as trainers
from llm_engineering.infrastructure.trainers.trl_trainer import TrlTrainer
from tests.unit.infrastructure.encoders.bert_making import make_cross_encoder, make_folder
from tests.unit.platforms import KEY, Open


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ({"LLM_PROVIDER": "mlflow"}, "mlflow:llm@champion"),
        ({}, "local:qwen2.5-coder-1.5b-instruct"),
        ({"LOCAL_MODEL_ID": "small"}, "local:small"),
        ({"LLM_PROVIDER": "openai", "OPENAI_API_KEY": KEY}, "openai:gpt-4o-mini"),
        ({"LLM_PROVIDER": "google", "GOOGLE_API_KEY": KEY}, "google:gemini-2.5-flash"),
        (
            {"LLM_PROVIDER": "huggingface", "HUGGINGFACE_ACCESS_TOKEN": KEY},
            "huggingface:Qwen/Qwen2.5-7B-Instruct",
        ),
    ],
    ids=str,
)
def test_the_provider_decides_the_chat_model(
    platform_with: Open, provider: dict[str, Any], expected: str
) -> None:
    assert platform_with(**provider).default_chat_model == expected


def test_a_chat_model_has_the_settings_and_is_made_once(
    platform_with: Open, tmp_path: Path
) -> None:
    weights = tmp_path / "tiny.gguf"
    weights.write_bytes(b"GGUF")
    platform = platform_with(
        LOCAL_MODEL_ID=str(weights), TEMPERATURE_INFERENCE=0.5, MAX_NEW_TOKENS_INFERENCE=9
    )
    chain = platform.chat_model()
    assert isinstance(chain, ChatModelChain)
    model = chain.first
    assert isinstance(model, LocalChatModel)
    assert (model.file, model.temperature, model.max_tokens) == (weights, 0.5, 9)
    assert model.cache_folder == tmp_path / "cache"
    assert platform.chat_model(f"local:{weights}") is chain


def test_fallbacks_stand_behind_the_provider_and_share_its_models(
    platform_with: Open, tmp_path: Path
) -> None:
    weights = tmp_path / "tiny.gguf"
    weights.write_bytes(b"GGUF")
    platform = platform_with(
        LOCAL_MODEL_ID=str(weights),
        LLM_FALLBACKS="openai:a, openai:b",
        OPENAI_API_KEY=KEY,
        LLM_DEADLINE_S=9,
        LLM_FIRST_TOKEN_S=8,
        LLM_IDLE_S=7,
        LLM_RETRIES=1,
    )
    chain, alone = platform.chat_model(), platform.chat_model("openai:b")
    assert isinstance(chain, ChatModelChain)
    assert isinstance(alone, ChatModelChain)
    assert list(chain.models) == [f"local:{weights}", "openai:a", "openai:b"]
    assert list(alone.models) == ["openai:b"]
    assert alone.first is chain.models["openai:b"]
    assert chain.patience == Patience(9, 8, 7, 1)


def test_a_fallback_without_its_key_is_refused_at_once(platform_with: Open, tmp_path: Path) -> None:
    weights = tmp_path / "tiny.gguf"
    weights.write_bytes(b"GGUF")
    platform = platform_with(LOCAL_MODEL_ID=str(weights), LLM_FALLBACKS="openai:a")
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        platform.chat_model()


def test_another_reference_gives_another_model(
    platform_with: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def make(reference: str, *_: object, **__: object) -> BaseChatModel:
        made.append(reference)
        return FakeListChatModel(responses=[reference])

    monkeypatch.setattr(factory, "make_chat_model", make)
    platform = platform_with()
    first, second = platform.chat_model("openai:a"), platform.chat_model("openai:b")
    assert first is not second
    assert platform.chat_model("openai:a") is first
    assert made == ["openai:a", "openai:b"]


def test_a_provider_without_its_key_names_the_setting(platform_with: Open) -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        platform_with().chat_model("openai:gpt-4o-mini")


@pytest.mark.parametrize(
    ("reference", "version"),
    [("mlflow:llm@champion", 2), ("mlflow:llm/1", 1), ("mlflow:llm", 2), ("mlflow:llm@2", 2)],
)
def test_a_registered_model_is_taken_by_alias_or_version(
    platform_with: Open, tmp_path: Path, reference: str, version: int
) -> None:
    registry = InMemoryModelRegistry(tmp_path / "registered")
    for number in (1, 2):
        files = tmp_path / f"model-{number}"
        files.mkdir()
        (files / "config.json").write_text(f'{{"number": {number}}}')
        registry.register("llm", files, {}, {})
    registry.set_alias("llm", "champion", 2)
    platform = platform_with()
    platform.__dict__["registry"] = registry
    chain = platform.chat_model(reference)
    assert isinstance(chain, ChatModelChain)
    model = chain.first
    assert isinstance(model, TransformersChatModel)
    assert (model.folder / "config.json").read_text() == f'{{"number": {version}}}'


def test_a_model_that_was_never_registered_is_named(platform_with: Open, tmp_path: Path) -> None:
    platform = platform_with()
    platform.__dict__["registry"] = InMemoryModelRegistry(tmp_path)
    with pytest.raises(InvalidInput, match="'llm' has no 'champion'"):
        platform.chat_model("mlflow:llm@champion")


def test_the_embedder_is_the_one_of_the_settings(platform_with: Open, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "embedder")
    platform = platform_with(TEXT_EMBEDDING_MODEL_ID=str(folder))
    assert isinstance(platform.embedding_model, OpenVINOEmbeddingModel)
    assert platform.embedding_model is platform.embedding_model
    assert isinstance(platform.sparse_encoder, Bm25Encoder)


@pytest.mark.parametrize(
    ("runtime", "kind"), [("openvino", OpenVINOEmbeddingModel), ("torch", TorchEmbeddingModel)]
)
def test_the_runtime_of_the_embedder_can_be_chosen(
    platform_with: Open, tmp_path: Path, runtime: str, kind: type
) -> None:
    folder = make_folder(tmp_path / "embedder")
    platform = platform_with(TEXT_EMBEDDING_MODEL_ID=str(folder), EMBEDDING_RUNTIME=runtime)
    assert isinstance(platform.embedding_model, kind)


def test_the_reranker_is_the_one_of_the_settings(platform_with: Open, tmp_path: Path) -> None:
    embedder, pairs = make_folder(tmp_path / "bert"), make_cross_encoder(tmp_path / "pairs")
    models = {
        "TEXT_EMBEDDING_MODEL_ID": str(embedder),
        "RERANKING_CROSS_ENCODER_MODEL_ID": str(pairs),
    }
    platform = platform_with(**models)
    assert isinstance(platform.pair_scorer, OpenVINOCrossEncoder)
    assert platform.pair_scorer is platform.active_reranker.scorer
    assert platform.active_reranker.description.startswith(f"{pairs} on OpenVINO ")
    without = platform_with(**{**models, "RERANKING_CROSS_ENCODER_MODEL_ID": "none"})
    assert without.pair_scorer is None


def test_without_the_hub_nothing_reranks_and_it_says_why(
    platform_with: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    folder = make_folder(tmp_path / "embedder")
    for _ in range(2):
        platform = platform_with(TEXT_EMBEDDING_MODEL_ID=str(folder))
        assert platform.pair_scorer is None
        assert platform.active_reranker.description == (
            "none: cross-encoder/ms-marco-MiniLM-L-6-v2 could not be loaded: HF_HUB_OFFLINE is set"
        )


def test_the_trainer_is_chosen_by_what_the_machine_has(
    platform_with: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainers, "cuda_available", lambda: False)
    assert isinstance(platform_with().trainer, TrlTrainer)


@pytest.mark.parametrize(
    ("provider", "here"), [("local", True), ("mlflow", True), ("openai", False)]
)
def test_only_models_of_this_process_have_to_be_loaded(
    platform_with: Open, provider: str, here: bool
) -> None:
    platform = platform_with(LLM_PROVIDER=provider, OPENAI_API_KEY="sk-test")
    assert platform.model_in_process is here
