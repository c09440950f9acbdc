"""Where the composition root lets the feature pipeline's work be done."""

import pickle
from pathlib import Path

import pytest
from pydantic import SecretStr

from llm_engineering.application.ports.execution import Engine
from llm_engineering.application.preprocessing.cleaning import clean_document
from llm_engineering.application.preprocessing.config import ChunkingConfig, FeatureConfig
from llm_engineering.application.preprocessing.featurizing import FeatureWork
from llm_engineering.bootstrap import Platform
from llm_engineering.infrastructure.execution.in_process import InProcessExecutor
from llm_engineering.infrastructure.execution.processes import ProcessExecutor
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel
from llm_engineering.settings import Settings, load_settings
from tests.documents import make_post


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    key = SecretStr("canary-4711")
    return load_settings(DATA_DIR=tmp_path, LLM_PROVIDER="openai", OPENAI_API_KEY=key)


def test_the_executor_is_what_engine_and_workers_say(settings: Settings) -> None:
    with Platform(settings).executor(Engine.LOCAL, 1) as executor:
        assert isinstance(executor, InProcessExecutor)
    with Platform(settings).executor(Engine.LOCAL, 2) as executor:
        assert isinstance(executor, ProcessExecutor)


def test_what_goes_to_other_processes_is_picklable_and_holds_no_secret(settings: Settings) -> None:
    make = Platform(settings).featurizer(FeatureConfig(), in_process=False)
    sent = pickle.dumps(make)
    assert b"canary-4711" in pickle.dumps(settings)
    assert b"canary-4711" not in sent
    assert pickle.loads(sent) == make


def test_here_the_featurizer_has_the_encoders_that_are_there(settings: Settings) -> None:
    platform = Platform(settings)
    vars(platform)["embedding_model"] = HashingEmbeddingModel()
    config = FeatureConfig(chunking=ChunkingConfig(chunk_tokens=32, heading_tokens=8))
    work = FeatureWork(clean_document(make_post("alpha")))
    (features,) = platform.featurizer(config, in_process=True)()([work])
    assert features.chunks[0].embedder == HashingEmbeddingModel().fingerprint
