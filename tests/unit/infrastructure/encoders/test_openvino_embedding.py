"""The OpenVINO embedder on a tiny BERT, beside the same arithmetic written out in numpy."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm_engineering.domain.errors import ConfigurationError, ModelError
from llm_engineering.infrastructure.encoders.bert_folder import BertFolder
from llm_engineering.infrastructure.encoders.openvino_embedding import OpenVINOEmbeddingModel
from tests.unit.infrastructure.encoders.bert_equations import Array, token_vectors
from tests.unit.infrastructure.encoders.bert_making import (
    WORDS,
    make_folder,
    make_weights,
    write_json,
)

TEXTS = ["red sky", "green grass .", "blue", "reds blues greens skys . . . red red red red", ""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def model(folder: Path) -> OpenVINOEmbeddingModel:
    return OpenVINOEmbeddingModel(folder)


def ids_of(text: str) -> list[int]:
    tokens = [piece for word in text.split() for piece in split(word)]
    return [2, *[WORDS.index(token) for token in tokens][:10], 3]


def split(word: str) -> list[str]:
    return [word] if word in WORDS else [word[:-1], "##s"]


def unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def test_vectors_are_those_of_the_equations(model: OpenVINOEmbeddingModel) -> None:
    expected = [unit(token_vectors(make_weights(), ids_of(text)).mean(axis=0)) for text in TEXTS]
    cosines = (np.asarray(model.embed_passages(TEXTS)) * expected).sum(axis=1)
    assert cosines == pytest.approx([1.0] * len(TEXTS), abs=5e-4)  # 16 bits on some processors


def test_cls_pooling_takes_the_first_token(tmp_path: Path) -> None:
    model = OpenVINOEmbeddingModel(make_folder(tmp_path / "cls", "cls_token"))
    expected = unit(token_vectors(make_weights(), ids_of("red sky"))[0])
    assert np.dot(model.embed_query("red sky"), expected) == pytest.approx(1.0, abs=5e-4)


def test_padding_and_company_do_not_change_a_vector(model: OpenVINOEmbeddingModel) -> None:
    together = model.embed_passages([TEXTS[3], "red sky"] * 20)
    alone = model.embed_query("red sky")
    assert np.asarray(together[39]) == pytest.approx(np.asarray(alone), abs=2e-2)
    assert np.dot(together[39], alone) == pytest.approx(1.0, abs=5e-4)


@pytest.mark.parametrize("words", [0, 1, 5, 6, 7, 10])
def test_a_graph_of_one_shape_computes_what_the_graph_of_any_shape_does(
    model: OpenVINOEmbeddingModel, words: int
) -> None:
    text = " ".join(["red", "sky", "green", "grass", "blue", *["red"] * 5][:words])
    alone, other = model.embed_query(text), model.embed_query("blue")
    together = model.embed_queries([text, "blue"])
    expected = unit(token_vectors(make_weights(), ids_of(text)).mean(axis=0))
    assert np.dot(alone, expected) == pytest.approx(1.0, abs=5e-4)
    assert [np.dot(alone, together[0]), np.dot(other, together[1])] == pytest.approx(
        [1.0, 1.0], abs=5e-4
    )


@pytest.mark.parametrize("questions", range(1, 7))
def test_questions_together_have_the_vectors_that_each_has_alone(
    model: OpenVINOEmbeddingModel, questions: int
) -> None:
    texts = ["red", "blue sky green grass", "", "sky", "green green", "grass"][:questions]
    together = model.embed_queries(texts)
    assert len(together) == questions
    for text, vector in zip(texts, together, strict=True):
        expected = unit(token_vectors(make_weights(), ids_of(text)).mean(axis=0))
        assert np.dot(vector, expected) == pytest.approx(1.0, abs=5e-4)


def test_order_and_progress_are_kept_over_batches(model: OpenVINOEmbeddingModel) -> None:
    heard: list[int] = []
    texts = [TEXTS[number % 4] for number in range(250)]
    vectors = model.embed_passages(texts, heard.append)
    assert sum(heard) == 250
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


def test_tokens_of_a_text_have_unit_vectors_and_their_numbers(
    model: OpenVINOEmbeddingModel,
) -> None:
    ids, vectors = model.query_tokens("red sky")
    states = token_vectors(make_weights(), ids_of("red sky"))[1:-1]
    assert ids.tolist() == ids_of("red sky")[1:-1]
    cosines = (vectors * states / np.linalg.norm(states, axis=1, keepdims=True)).sum(axis=1)
    assert cosines == pytest.approx([1.0] * 2, abs=2e-3)
    found = model.passage_tokens([TEXTS[3], "red sky", ""])
    assert [len(ids) for ids, _ in found] == [10, 2, 0]
    assert np.asarray(found[1][1]) == pytest.approx(vectors, abs=3e-2)


def test_tokens_of_the_prompt_are_left_out(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "prompted")
    prompts = {"prompts": {"query": "green grass ", "document": "blue "}}
    write_json(folder / "config_sentence_transformers.json", prompts)
    model = OpenVINOEmbeddingModel(folder)
    ids, vectors = model.query_tokens("red sky")
    states = token_vectors(make_weights(), ids_of("green grass red sky"))[3:-1]
    assert ids.tolist() == ids_of("red sky")[1:-1]
    cosines = (vectors * states / np.linalg.norm(states, axis=1, keepdims=True)).sum(axis=1)
    assert cosines == pytest.approx([1.0] * 2, abs=2e-3)
    assert model.passage_tokens(["sky"])[0][0].tolist() == [WORDS.index("sky")]


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


def test_the_model_says_what_it_is_and_where_it_runs(model: OpenVINOEmbeddingModel) -> None:
    assert model.name.startswith("bert")
    assert model.name.endswith((" on OpenVINO bf16", " on OpenVINO f32"))


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


def test_a_model_that_leaves_its_prompt_out_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "instructor")
    write_json(folder / "config_sentence_transformers.json", {"prompts": {"query": "red "}})
    pooling = {"pooling_mode_mean_tokens": True, "include_prompt": False}
    write_json(folder / "1_Pooling" / "config.json", pooling)
    with pytest.raises(ModelError, match="only EMBEDDING_RUNTIME=torch can do"):
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
