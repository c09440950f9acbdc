"""A trainer for tests, and a dataset for it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llm_engineering.application.dataset.generation import GeneratedDataset, generate_dataset
from llm_engineering.application.ports.models import TrainedModel
from llm_engineering.domain.dataset import InstructDataset
from llm_engineering.domain.training import TrainingConfig
from tests.unit.application.dataset.chunk_making import corpus


def generated_dataset() -> GeneratedDataset:
    return generate_dataset(corpus(8), TrainingConfig())


@dataclass
class ScriptedTrainer:
    """Reports the losses it was given, and writes a model of two small files."""

    losses: tuple[float, ...] = (3.0, 2.5, 2.0)
    before: float = 3.1
    after: float = 2.1
    trained_on: list[InstructDataset] = field(default_factory=list)

    def finetune(
        self,
        dataset: InstructDataset,
        config: TrainingConfig,
        output: Path,
        on_scalars: Callable[[int, Mapping[str, float]], None],
    ) -> TrainedModel:
        self.trained_on.append(dataset)
        for step, loss in enumerate(self.losses, start=1):
            on_scalars(step, {"loss": loss, "learning_rate": config.learning_rate})
        folder = output / "model"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
        (folder / "model.safetensors").write_bytes(b"weights")
        return TrainedModel(folder, self.before, self.after, len(self.losses), "scripted")
