from pathlib import Path

import pytest

from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.infrastructure.trainers.base_models import base_model_source


def unknown(name: str) -> Path:
    raise ConfigurationError(f"unknown model {name!r}")


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert base_model_source(str(tmp_path), unknown, tmp_path) == str(tmp_path)


def test_a_catalogue_folder_in_the_transformers_layout_needs_no_conversion(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "extra.gguf").write_bytes(b"")
    assert base_model_source("small", lambda _: tmp_path, tmp_path) == str(tmp_path)


def test_a_converted_model_is_not_converted_again(tmp_path: Path) -> None:
    done = tmp_path / "cache" / "small.Q4_1"
    done.mkdir(parents=True)
    weights = tmp_path / "small.Q4_1.gguf"
    weights.write_bytes(b"not even read")
    for known in (weights, tmp_path):  # the file, or the folder it lies in
        source = base_model_source("small", {"small": known}.__getitem__, tmp_path / "cache")
        assert source == str(done)


def test_a_hub_id_is_left_to_transformers(tmp_path: Path) -> None:
    name = "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert base_model_source(name, unknown, tmp_path) == name


def test_an_unknown_name_is_the_catalogues_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown model 'smol'"):
        base_model_source("smol", unknown, tmp_path)
