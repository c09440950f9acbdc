from pathlib import Path
from typing import Any

import pytest

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.encoders.model_folder import ModelFolder
from tests.unit.infrastructure.encoders.bert_making import make_folder, write_json


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
