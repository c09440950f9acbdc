"""Both runtimes beside sentence-transformers itself, for models that torch has to export."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm_engineering.domain.errors import ConfigurationError, ModelError
from llm_engineering.infrastructure.encoders.openvino_cross_encoder import OpenVINOCrossEncoder
from llm_engineering.infrastructure.encoders.openvino_embedding import OpenVINOEmbeddingModel
from llm_engineering.infrastructure.encoders.torch_models import (
    TorchCrossEncoder,
    TorchEmbeddingModel,
)
from tests.integration.tiny_encoders import write_cross_encoder, write_embedder
from tests.unit.infrastructure.encoders.bert_making import make_cross_encoder

library: Any = pytest.importorskip("sentence_transformers")
PARITY = 0.9995
PROMPTS = {"query": "red red ", "document": "the ", "other": "grass "}
TEXTS = [
    "the sky is blue .",
    "green grass",
    "",
    "the grass is green . the sky is red . unheard words are unknown",
    "red " * 60,
]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = write_embedder(tmp_path_factory.mktemp("ModernBert"), "ModernBert", "lasttoken")
    settings = model / "config_sentence_transformers.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"prompts": PROMPTS}))
    return model


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def cosines(found: object, expected: object) -> np.ndarray:
    return np.asarray((np.asarray(found) * np.asarray(expected)).sum(axis=1))


def test_both_runtimes_give_the_vectors_of_sentence_transformers(
    embedder: Path, cache: Path
) -> None:
    reference = library.SentenceTransformer(str(embedder), device="cpu")
    passages = reference.encode_document(TEXTS, normalize_embeddings=True)
    queries = reference.encode_query(TEXTS, normalize_embeddings=True)
    assert cosines(passages, queries).min() < PARITY  # the prompts make a difference
    for model in (TorchEmbeddingModel(embedder), OpenVINOEmbeddingModel(embedder, "cpu", cache)):
        assert model.dimension == passages.shape[1]
        assert cosines(model.embed_passages(TEXTS), passages).min() >= PARITY
        assert cosines(model.embed_queries(TEXTS), queries).min() >= PARITY
        assert cosines([model.embed_query(TEXTS[0])], queries[:1]).min() >= PARITY


def test_both_runtimes_agree_on_limits_tokens_and_name(embedder: Path, cache: Path) -> None:
    torch, openvino = TorchEmbeddingModel(embedder), OpenVINOEmbeddingModel(embedder, "cpu", cache)
    assert torch.max_tokens == openvino.max_tokens == 24 - 2 - 1
    assert torch.fingerprint == openvino.fingerprint
    assert torch.token_spans(TEXTS[0]) == openvino.token_spans(TEXTS[0])


def test_an_exported_model_gives_its_tokens_too(embedder: Path, cache: Path) -> None:
    ids, vectors = OpenVINOEmbeddingModel(embedder, "cpu", cache).query_tokens("green grass")
    assert vectors.shape == (2, 32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0, 1.0], abs=1e-3)
    assert len(set(ids.tolist())) == 2


@pytest.mark.parametrize("architecture", ["Roberta", "Bert"])
def test_both_runtimes_give_the_scores_of_sentence_transformers(
    tmp_path: Path, architecture: str
) -> None:
    folder = tmp_path / architecture
    if architecture == "Bert":
        make_cross_encoder(folder)
    else:
        write_cross_encoder(folder, architecture)
    question = "the sky"
    passages = [TEXTS[n % 5].replace("unheard ", "") for n in range(20)]
    expected = library.CrossEncoder(str(folder), device="cpu").predict(
        [(question, passage) for passage in passages]
    )
    assert float(np.ptp(expected)) > 0.02
    torch = TorchCrossEncoder(folder)
    openvino = OpenVINOCrossEncoder(folder, "cpu", tmp_path / "cache")
    assert torch.score(question, passages) == pytest.approx(expected, abs=1e-5)
    # 16 bits on some processors
    assert openvino.score(question, passages) == pytest.approx(expected, abs=2e-2, rel=2e-2)
    assert torch.fingerprint == openvino.fingerprint


def test_a_damaged_model_is_one_line(tmp_path: Path) -> None:
    folder = make_cross_encoder(tmp_path / "pairs")
    (folder / "model.safetensors").write_bytes(b"nothing")
    for model in (TorchCrossEncoder(folder), OpenVINOCrossEncoder(folder)):
        with pytest.raises(ModelError, match="pairs") as caught:
            model.score("red", ["sky"])
        assert "\n" not in str(caught.value)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        TorchEmbeddingModel(tmp_path / "nowhere").embed_query("red")


def test_gpu_without_a_device_is_refused(tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(ConfigurationError, match="RAG_MODEL_DEVICE=gpu: torch sees no CUDA"):
        TorchCrossEncoder(make_cross_encoder(tmp_path / "pairs"), "gpu").score("red", ["sky"])
