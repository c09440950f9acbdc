"""A real fine-tuning with unsloth; needs a CUDA device."""

from pathlib import Path

import pytest

from llm_engineering.domain.training import TrainingConfig
from llm_engineering.infrastructure.trainers.factory import cuda_available, make_trainer
from tests.integration.tiny_model import write_tiny_model
from tests.unit.application.training.training_making import generated_dataset


@pytest.mark.gpu
def test_a_tiny_model_learns(tmp_path: Path) -> None:
    if not cuda_available():
        pytest.skip("no CUDA device")
    base = write_tiny_model(tmp_path / "base")
    config = TrainingConfig(base_model=str(base), epochs=3, learning_rate=2e-2)
    trained = make_trainer(Path).finetune(
        generated_dataset().dataset, config, tmp_path / "out", lambda _step, _figures: None
    )
    assert trained.backend == "unsloth"
    assert trained.held_out_loss_after < trained.held_out_loss_before
    assert (trained.folder / "model.safetensors").is_file()
