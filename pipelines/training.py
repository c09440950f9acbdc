"""From indexed chunks to a registered, fine-tuned chat model."""

import shutil
import tempfile
from pathlib import Path

from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.training.finetune import FineTuning
from llm_engineering.bootstrap import Platform, now
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.training import TrainingConfig, TrainingReport
from pipelines.steps.loss_curve import draw_loss_curve
from pipelines.steps.make_dataset import make_dataset
from pipelines.steps.train import train


def run_training(platform: Platform, config: TrainingConfig, progress: Progress) -> TrainingReport:
    """Makes samples, fine-tunes on them, registers the model and moves `champion` to it.

    Raises:
        InvalidInput: nothing is indexed, or too little for a split.
        MissingDependency: torch and trl are not installed.
        ModelError: the base model cannot be loaded or trained.
        StoreUnavailable: the index or the registry cannot be reached; a model that was trained
            by then is kept, and the message says where.
    """
    # first of all: without torch there is nothing to begin, and without a registry no end
    trainer = platform.trainer
    platform.registry.ping()
    model = platform.chat_model() if config.questions == "model" else None
    generated = make_dataset(platform.chunk_index, model, config, progress)
    finetuning = FineTuning(trainer, platform.tracker, platform.registry, draw_loss_curve, now)
    output = Path(tempfile.mkdtemp(dir=platform.folder("training"), prefix="run-"))
    try:
        report = train(finetuning, generated, config, output, progress)
    except StoreUnavailable as error:
        raise StoreUnavailable(f"{error}; the trained model is kept in {output}") from error
    except BaseException:
        shutil.rmtree(output)
        raise
    shutil.rmtree(output)
    return report
