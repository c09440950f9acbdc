"""The boundary to unsloth: what is handed over. It needs a CUDA device to do more."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from llm_engineering.domain.errors import ModelError
from llm_engineering.domain.training import TrainingConfig
from llm_engineering.infrastructure.trainers.unsloth_trainer import UnslothTrainer
from tests.unit.application.training.training_making import generated_dataset


class FastLanguageModel:
    """Remembers how it was called; adapting fails, as it does when memory runs out."""

    def __init__(self) -> None:
        self.loaded: dict[str, Any] = {}
        self.adapted: dict[str, Any] = {}

    def from_pretrained(self, **arguments: Any) -> tuple[str, str]:
        self.loaded = arguments
        return "the model", "its tokenizer"

    def get_peft_model(self, model: str, **arguments: Any) -> None:
        self.adapted = {"model": model, **arguments}
        raise RuntimeError("CUDA out of memory")


def test_the_configuration_reaches_unsloth_and_its_errors_are_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("datasets")
    loader = FastLanguageModel()
    monkeypatch.setitem(sys.modules, "unsloth", SimpleNamespace(FastLanguageModel=loader))
    config = TrainingConfig(base_model=str(tmp_path), lora_r=8, max_length=256, seed=5)
    with pytest.raises(ModelError, match="CUDA out of memory"):
        UnslothTrainer(Path).finetune(
            generated_dataset().dataset, config, tmp_path / "out", lambda _step, _figures: None
        )
    assert loader.loaded["model_name"] == str(tmp_path)
    assert loader.loaded["max_seq_length"] == 256
    assert loader.loaded["trust_remote_code"] is False
    assert loader.loaded["load_in_4bit"] is False
    assert loader.adapted["model"] == "the model"
    assert (loader.adapted["r"], loader.adapted["lora_alpha"]) == (8, 32)
    assert loader.loaded["random_state"] == loader.adapted["random_state"] == 5
