"""Step: fine-tune, track, register, promote."""

from pathlib import Path

from llm_engineering.application.dataset.generation import GeneratedDataset
from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.training.finetune import FineTuning, steps_of
from llm_engineering.domain.training import TrainingConfig, TrainingReport


def train(
    finetuning: FineTuning,
    generated: GeneratedDataset,
    config: TrainingConfig,
    output: Path,
    progress: Progress,
) -> TrainingReport:
    """Returns the report of a training run; its files lie below `output`."""
    steps = steps_of(len(generated.dataset.train), config)
    with progress.stage("training steps", steps) as on_step:
        return finetuning.run(generated, config, output, on_step)
