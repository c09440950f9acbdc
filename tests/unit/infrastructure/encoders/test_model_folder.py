import re
from pathlib import Path
from typing import Any

import pytest

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.encoders.bert_folder import BertFolder
from llm_engineering.infrastructure.encoders.cross_encoder_folder import CrossEncoderFolder
from llm_engineering.infrastructure.encoders.model_folder import ModelFolder
from tests.unit.infrastructure.encoders.bert_making import (
    CONFIG,
    make_cross_encoder,
    make_folder,
    write_json,
)


def with_prompts(folder: Path, settings: dict[str, Any]) -> ModelFolder:
    write_json(make_folder(folder) / "config_sentence_transformers.json", settings)
    return ModelFolder(folder)


@pytest.mark.parametrize(
    ("settings", "query", "passage"),
    [
        ({}, "", ""),
        ({"prompts": None}, "", ""),
        ({"prompts": {"query": "q: ", "passage": "p: "}}, "q: ", "p: "),
        ({"prompts": {"document": "d: ", "passage": "p: "}}, "", "d: "),
        ({"prompts": {"corpus": "c: ", "x": "x: "}, "default_prompt_name": "x"}, "x: ", "c: "),
        ({"prompts": {"x": "x: "}, "default_prompt_name": "x"}, "x: ", "x: "),
    ],
)
def test_prompts_by_role(
    tmp_path: Path, settings: dict[str, Any], query: str, passage: str
) -> None:
    files = with_prompts(tmp_path / "model", settings)
    assert (files.query_prompt, files.passage_prompt) == (query, passage)


def test_the_tightest_limit_counts(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    assert ModelFolder(folder).max_sequence == 12
    write_json(folder / "tokenizer_config.json", {"model_max_length": 10})
    assert ModelFolder(folder).max_sequence == 10
    write_json(folder / "tokenizer_config.json", {"model_max_length": 10**30})
    (folder / "sentence_bert_config.json").unlink()
    assert ModelFolder(folder).max_sequence == 20


def test_a_model_without_any_limit_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", {})
    with pytest.raises(ModelError, match="no file says how many tokens"):
        _ = ModelFolder(tmp_path).max_sequence


def test_the_fingerprint_is_of_all_weights_and_settings(tmp_path: Path) -> None:
    one, other = make_folder(tmp_path / "one"), make_folder(tmp_path / "other")
    before = ModelFolder(one).fingerprint
    assert before == ModelFolder(other).fingerprint
    (one / "README.md").write_text("a note")
    assert ModelFolder(one).fingerprint == before
    write_json(one / "1_Pooling" / "config.json", {"pooling_mode": "lasttoken"})
    assert ModelFolder(one).fingerprint != before
    with (other / "model.safetensors").open("ab") as file:
        file.write(b" ")
    assert ModelFolder(other).fingerprint != before


OTHER_SHAPES = ["[]", "null", "7", '"text"', "[{}]", "{", "", "\ufeff{}", "NaN"]


def first_problem(folder: Path) -> ModelError | None:
    """Reads all that an encoder needs of a folder; returns what is wrong with it."""
    files = BertFolder(folder)
    try:
        _ = (files.settings, files.pad_token_id, files.max_sequence, files.prompts)
        _ = (files.query_prompt, files.passage_prompt, files.pools_prompt, files.config)
        _ = (files.pooling, files.fingerprint, files.tokenizer(), files.weights())
    except ModelError as error:
        return error
    return None


def test_a_sound_folder_has_no_problem(tmp_path: Path) -> None:
    assert first_problem(make_folder(tmp_path / "model")) is None


@pytest.mark.parametrize(
    "name",
    [
        *("config.json", "modules.json", "sentence_bert_config.json", "tokenizer_config.json"),
        *("config_sentence_transformers.json", "1_Pooling/config.json", "tokenizer.json"),
    ],
)
@pytest.mark.parametrize("text", OTHER_SHAPES)
def test_a_file_of_another_shape_is_named_in_one_line(tmp_path: Path, name: str, text: str) -> None:
    folder = make_folder(tmp_path / "model")
    (folder / name).write_text(text, encoding="utf-8")
    problem = first_problem(folder)
    if (name, text) == ("modules.json", "[]"):
        assert problem is None, "one module is enough, and it need not be named"
        return
    assert problem is not None
    assert str(folder / name) in str(problem)
    assert "\n" not in str(problem)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("config.json", CONFIG | {"pad_token_id": "zero"}, "pad_token_id is 'zero'"),
        ("config.json", CONFIG | {"hidden_size": 0}, "hidden_size is 0"),
        ("config.json", CONFIG | {"hidden_size": None}, "hidden_size is None"),
        ("sentence_bert_config.json", {"max_seq_length": "many"}, "'many' is no number of tokens"),
        ("sentence_bert_config.json", {"max_seq_length": -1}, "-1 is no number of tokens"),
        ("sentence_bert_config.json", {"max_seq_length": [12]}, r"\[12\] is no number of tokens"),
        ("sentence_bert_config.json", {"max_seq_length": 0.5}, "0.5 is no number of tokens"),
        ("config_sentence_transformers.json", {"prompts": ["query"]}, "no JSON object"),
        ("modules.json", {"0": "Transformer"}, "not a list of modules"),
        ("modules.json", [{"type": "Pooling"}], "not a list of modules"),
        ("modules.json", ["Pooling"], "not a list of modules"),
        ("1_Pooling/config.json", {}, "pooling None is not supported"),
        ("1_Pooling/config.json", {"pooling_mode": ["mean"]}, "is not supported"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(
    tmp_path: Path, name: str, value: object, told: str
) -> None:
    folder = make_folder(tmp_path / "model")
    write_json(folder / name, value)
    problem = first_problem(folder)
    assert problem is not None
    assert re.search(told, str(problem)), problem
    assert str(folder) in str(problem)


@pytest.mark.parametrize("limit", ["Infinity", "1e400", "NaN"])
def test_a_limit_without_end_is_no_limit_that_counts(tmp_path: Path, limit: str) -> None:
    folder = make_folder(tmp_path / "model")
    (folder / "tokenizer_config.json").write_text(f'{{"model_max_length": {limit}}}')
    with pytest.raises(ModelError, match="is no number of tokens"):
        _ = ModelFolder(folder).max_sequence


@pytest.mark.parametrize(
    ("config", "activation"),
    [
        ({}, "Identity"),
        ({"sentence_transformers": None}, "Sigmoid"),
        ({"sentence_transformers": "5.0"}, "Sigmoid"),
        ({"sentence_transformers": {"version": "5.0"}}, "Sigmoid"),
        ({"sentence_transformers": {"activation_fn": "torch.nn.Sigmoid"}}, "Sigmoid"),
        (
            {"sentence_transformers": {}, "sbert_ce_default_activation_function": "a.b.Identity"},
            "Identity",
        ),
    ],
)
def test_the_activation_of_a_cross_encoder_is_read_as_sites_write_it(
    tmp_path: Path, config: dict[str, Any], activation: str
) -> None:
    folder = make_cross_encoder(tmp_path / "pairs", **config)
    assert CrossEncoderFolder(folder).activation == activation


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"id2label": None}, "2 labels; a reranker has one"),
        ({"id2label": {"0": "no", "1": "yes", "2": "maybe"}}, "3 labels"),
        ({"sentence_transformers": {"activation_fn": "torch.nn.Tanh"}}, "Tanh is not supported"),
        ({"sentence_transformers": {"activation_fn": 7}}, "7 is not supported"),
    ],
)
def test_a_cross_encoder_that_gives_no_score_is_refused(
    tmp_path: Path, config: dict[str, Any], told: str
) -> None:
    folder = make_cross_encoder(tmp_path / "pairs", **config)
    with pytest.raises(ModelError, match=told):
        _ = CrossEncoderFolder(folder).activation
