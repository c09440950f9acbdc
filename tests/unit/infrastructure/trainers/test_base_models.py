import struct
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from llm_engineering.domain.errors import ConfigurationError, ModelError
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


@pytest.mark.parametrize("name", ["a/b/c", "/srv/none", "http://hub/x/y", "smol"])
def test_only_owner_and_name_are_a_hub_id(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown model"):
        base_model_source(name, unknown, tmp_path)


class Scripted:
    """Stands in for torch and transformers: what is read, made and written."""

    float32 = "float32"

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.read: list[tuple[Path, str]] = []
        self.config = SimpleNamespace(quantization_config={"bits": 4}, eos_token_id=7)
        self.generation_config = "how to generate"
        self.eos_token = self.pad_token = "the wrong mark"  # noqa: S105 - a mark of text
        self.loaded: dict[str, int] = {}
        self.AutoModelForCausalLM = self.AutoTokenizer = self

    def from_pretrained(self, folder: Path, gguf_file: str, **_: object) -> "Scripted":
        self.read.append((folder, gguf_file))
        if self.failure:
            raise self.failure
        return self

    def from_config(self, config: Any, dtype: str) -> "Scripted":
        assert not hasattr(config, "quantization_config"), "saving would refuse it"
        assert dtype == "float32"
        return self

    def state_dict(self) -> dict[str, int]:
        return {"weight": 1}

    def load_state_dict(self, weights: dict[str, int]) -> None:
        self.loaded = weights

    def convert_ids_to_tokens(self, number: int) -> str:
        return {7: "<|im_end|>"}[number]

    def save_pretrained(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "saved").write_text(f"{self.eos_token} {self.pad_token} {self.loaded}")


def scripted(monkeypatch: pytest.MonkeyPatch, failure: Exception | None = None) -> Scripted:
    vendors = Scripted(failure)
    for name in ("torch", "transformers"):
        monkeypatch.setitem(sys.modules, name, vendors)
    return vendors


def test_a_gguf_model_is_dequantised_once_and_ends_as_its_model_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendors = scripted(monkeypatch)
    weights = tmp_path / "small.Q4_1.gguf"
    weights.write_bytes(b"GGUF")
    for _ in range(2):
        source = base_model_source("small", lambda _: weights, tmp_path / "cache")
    assert source == str(tmp_path / "cache" / "small.Q4_1")
    saved = "<|im_end|> <|im_end|> {'weight': 1}"
    assert (Path(source) / "saved").read_text() == saved
    assert vendors.read == [(tmp_path, "small.Q4_1.gguf")] * 2, "model and tokenizer, once each"


def test_what_an_interrupted_conversion_left_is_not_mixed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch)
    left = tmp_path / "cache" / "small.part"
    left.mkdir(parents=True)
    (left / "half.safetensors").write_bytes(b"half")
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    folder = base_model_source("s", lambda _: tmp_path / "small.gguf", tmp_path / "cache")
    assert [file.name for file in Path(folder).iterdir()] == ["saved"]
    assert not left.exists()


@pytest.mark.parametrize(
    "failure",
    [
        OSError("no space\nleft"),
        ValueError("bad magic"),
        KeyError("arch"),
        struct.error("unpack requires a buffer"),
        ImportError("gguf is not installed"),
        RuntimeError("size mismatch for lm_head:\n\tcopying a param\n" + "x" * 900),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_model_that_cannot_be_read_is_one_line_and_gets_no_name(
    failure: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, failure)
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"small\.gguf: cannot be de-quantised") as caught:
        base_model_source("small", lambda _: tmp_path / "small.gguf", tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(tmp_path)) + 400
    assert not (tmp_path / "cache" / "small").exists(), "the next run tries again"
