"""The OpenVINO embedder on a tiny BERT, beside the same arithmetic written out in numpy."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from llm_engineering.domain.errors import ConfigurationError, ModelError
from llm_engineering.infrastructure.encoders.bert_folder import BertFolder
from llm_engineering.infrastructure.encoders.openvino_bert import OpenVINOEmbeddingModel
from tests.unit.infrastructure.encoders.bert_making import (
    CONFIG,
    WORDS,
    Weights,
    make_folder,
    make_weights,
    write_json,
)

Array = npt.NDArray[np.float64]
TEXTS = ["red sky", "green grass .", "blue", "reds blues greens skys . . . red red red red", ""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def model(folder: Path) -> OpenVINOEmbeddingModel:
    return OpenVINOEmbeddingModel(folder)


def norm(states: Array, weights: Weights, name: str) -> Array:
    centred = states - states.mean(-1, keepdims=True)
    scaled = centred / np.sqrt(states.var(-1, keepdims=True) + CONFIG["layer_norm_eps"])
    return np.asarray(scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"])


def linear(states: Array, weights: Weights, name: str) -> Array:
    return np.asarray(states @ weights[f"{name}.weight"].T + weights[f"{name}.bias"])


def attention(states: Array, weights: Weights, name: str) -> Array:
    parts = []
    query, key, value = (linear(states, weights, f"{name}.{p}") for p in ("query", "key", "value"))
    for head in range(CONFIG["num_attention_heads"]):
        columns = slice(head * 4, head * 4 + 4)
        scores = np.exp(query[:, columns] @ key[:, columns].T / math.sqrt(4))
        parts.append(scores / scores.sum(-1, keepdims=True) @ value[:, columns])
    return np.concatenate(parts, axis=-1)


def token_vectors(ids: list[int]) -> Array:
    """Returns what Devlin et al.'s equations give for one text, without padding."""
    weights = make_weights()
    table = weights["embeddings.word_embeddings.weight"][ids]
    places = weights["embeddings.position_embeddings.weight"][: len(ids)]
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    states = norm((table + places + segment).astype(np.float64), weights, "embeddings.LayerNorm")
    erf = np.vectorize(math.erf)
    for number in range(CONFIG["num_hidden_layers"]):
        name = f"encoder.layer.{number}"
        context = attention(states, weights, f"{name}.attention.self")
        attended = linear(context, weights, f"{name}.attention.output.dense")
        states = norm(attended + states, weights, f"{name}.attention.output.LayerNorm")
        inner = linear(states, weights, f"{name}.intermediate.dense")
        inner = inner * (1 + erf(inner / math.sqrt(2))) / 2
        outer = linear(inner, weights, f"{name}.output.dense")
        states = norm(outer + states, weights, f"{name}.output.LayerNorm")
    return states


def ids_of(text: str) -> list[int]:
    tokens = [piece for word in text.split() for piece in split(word)]
    return [2, *[WORDS.index(token) for token in tokens][:10], 3]


def split(word: str) -> list[str]:
    return [word] if word in WORDS else [word[:-1], "##s"]


def unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def test_vectors_are_those_of_the_equations(model: OpenVINOEmbeddingModel) -> None:
    expected = [unit(token_vectors(ids_of(text)).mean(axis=0)) for text in TEXTS]
    cosines = (np.asarray(model.embed_passages(TEXTS)) * expected).sum(axis=1)
    assert cosines == pytest.approx([1.0] * len(TEXTS), abs=5e-4)  # 16 bits on some processors


def test_cls_pooling_takes_the_first_token(tmp_path: Path) -> None:
    model = OpenVINOEmbeddingModel(make_folder(tmp_path / "cls", "cls_token"))
    expected = unit(token_vectors(ids_of("red sky"))[0])
    assert np.dot(model.embed_query("red sky"), expected) == pytest.approx(1.0, abs=5e-4)


def test_padding_and_company_do_not_change_a_vector(model: OpenVINOEmbeddingModel) -> None:
    together = model.embed_passages([TEXTS[3], "red sky"] * 20)
    alone = model.embed_query("red sky")
    assert np.asarray(together[39]) == pytest.approx(np.asarray(alone), abs=2e-2)
    assert np.dot(together[39], alone) == pytest.approx(1.0, abs=5e-4)


def test_order_and_progress_are_kept_over_batches(model: OpenVINOEmbeddingModel) -> None:
    heard: list[int] = []
    texts = [TEXTS[number % 4] for number in range(50)]
    vectors = model.embed_passages(texts, heard.append)
    assert sum(heard) == 50
    assert len(heard) > 1
    for number, vector in enumerate(vectors):
        assert np.dot(vector, vectors[number % 4]) == pytest.approx(1.0, abs=5e-4)


def test_no_texts_give_no_vectors(model: OpenVINOEmbeddingModel) -> None:
    assert model.embed_passages([]) == []


def test_threads_get_the_same_vectors(model: OpenVINOEmbeddingModel) -> None:
    expected = [model.embed_query(text) for text in TEXTS]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(model.embed_query, TEXTS * 5))
    for vector, reference in zip(found, expected * 5, strict=True):
        assert np.dot(vector, reference) == pytest.approx(1.0, abs=1e-5)


def test_limits_leave_room_for_special_tokens(model: OpenVINOEmbeddingModel) -> None:
    assert (model.max_tokens, model.dimension) == (10, 8)
    assert model.embed_query("red " * 10) == model.embed_query("red " * 30)


def test_token_spans_are_places_in_the_text(model: OpenVINOEmbeddingModel) -> None:
    text = "reds  sky."
    assert [text[a:b] for a, b in model.token_spans(text)] == ["red", "s", "sky", "."]


def test_prompts_go_before_the_text_and_off_the_limit(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "prompted")
    prompts = {"prompts": {"query": "red ", "document": "green grass "}}
    write_json(folder / "config_sentence_transformers.json", prompts)
    model = OpenVINOEmbeddingModel(folder)
    plain = OpenVINOEmbeddingModel(make_folder(tmp_path / "plain"))
    assert model.embed_query("sky") == plain.embed_query("red sky")
    assert list(model.embed_passages(["sky"])) == list(plain.embed_passages(["green grass sky"]))
    assert model.max_tokens == 8
    assert model.fingerprint != plain.fingerprint


def test_the_fingerprint_names_weights_and_settings_not_the_place(tmp_path: Path) -> None:
    one = make_folder(tmp_path / "one")
    fingerprints = [
        BertFolder(folder).fingerprint
        for folder in (
            one,
            make_folder(tmp_path / "two"),
            make_folder(tmp_path / "cls", "cls_token"),
        )
    ]
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]
    with (one / "model.safetensors").open("ab") as file:
        file.write(b" ")
    assert BertFolder(one).fingerprint != fingerprints[0]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "mpnet"}, r"config.json: model_type is 'mpnet': Input should be 'bert'"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type is 'relative_key'"),
        ({"hidden_act": "swish"}, "hidden_act is 'swish'"),
        ({"num_hidden_layers": 3}, r"weight encoder.layer.2.* is missing"),
    ],
)
def test_an_architecture_that_is_not_known_is_refused(
    tmp_path: Path, config: dict[str, Any], message: str
) -> None:
    model = OpenVINOEmbeddingModel(make_folder(tmp_path / "odd", **config))
    with pytest.raises(ModelError, match=message):
        model.embed_query("red")


def test_pooling_that_is_not_known_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "max", "max_tokens")
    with pytest.raises(ModelError, match=r"config.json: pooling pooling_mode_max_tokens is not"):
        OpenVINOEmbeddingModel(folder).embed_query("red")


def test_a_module_that_is_not_known_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "dense")
    modules = json.loads((folder / "modules.json").read_text())
    write_json(folder / "modules.json", [*modules, {"type": "x.Dense", "path": "3_Dense"}])
    with pytest.raises(ModelError, match="module Dense is not supported"):
        OpenVINOEmbeddingModel(folder).embed_query("red")


@pytest.mark.parametrize(
    "name",
    ["config.json", "model.safetensors", "tokenizer.json", "modules.json", "1_Pooling/config.json"],
)
def test_a_missing_or_corrupt_file_is_named(tmp_path: Path, name: str) -> None:
    folder = make_folder(tmp_path / "broken")
    (folder / name).write_text("{ not what it should be")
    with pytest.raises(ModelError, match=name):
        OpenVINOEmbeddingModel(folder).embed_query("red")
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name}: missing"):
        OpenVINOEmbeddingModel(folder).embed_query("red")


def test_nothing_is_read_before_it_is_needed(tmp_path: Path) -> None:
    model = OpenVINOEmbeddingModel(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"config.json: missing"):
        _ = model.dimension


def test_a_device_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"RAG_MODEL_DEVICE=npu9: OpenVINO sees only cpu"):
        OpenVINOEmbeddingModel(folder, device="npu9").embed_query("red")
