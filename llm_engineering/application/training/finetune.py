"""Fine-tunes a chat model on a dataset, tracks the run, registers the model, moves the alias."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from llm_engineering.application.dataset.generation import GeneratedDataset
from llm_engineering.application.ports.models import TrainedModel, Trainer
from llm_engineering.application.ports.tracking import (
    ExperimentTask,
    ExperimentTracker,
    ModelRegistry,
)
from llm_engineering.domain.releases import RegisteredModel
from llm_engineering.domain.training import TrainingConfig, TrainingReport

MODEL_NAME = "llm"
CHAMPION = "champion"
TASK_NAME = "fine-tune"

DrawCurve = Callable[[Sequence[tuple[int, float]], TrainedModel, Path], None]


@dataclass(frozen=True)
class FineTuning:
    """The use case with its collaborators.

    Args:
        trainer, tracker, registry: the ports.
        draw_curve: draws steps and losses to an image file.
        clock: tells the present time.
    """

    trainer: Trainer
    tracker: ExperimentTracker
    registry: ModelRegistry
    draw_curve: DrawCurve
    clock: Callable[[], datetime]

    def run(
        self,
        generated: GeneratedDataset,
        config: TrainingConfig,
        output: Path,
        on_step: Callable[[int], None] = lambda _: None,
    ) -> TrainingReport:
        """Trains below `output`, registers the merged model and says what came of it.

        The alias moves only when the held-out loss fell.

        Raises:
            ModelError: the base model cannot be loaded or trained.
            StoreUnavailable: the registry cannot be reached.
        """
        started = self.clock()
        with self.tracker.task(TASK_NAME, "training") as task:
            task.parameters(_parameters(generated, config))
            trained = self._train(generated, config, output, task, on_step)
            registered = self.registry.register(
                MODEL_NAME, trained.folder, _metrics(trained), _tags(config, trained)
            )
            note = refusal(trained)
            if note is None:
                self.registry.set_alias(MODEL_NAME, CHAMPION, registered.version)
            report = _report(
                generated,
                trained,
                registered,
                note,
                seconds=(self.clock() - started).total_seconds(),
                tracked_at=task.location,
            )
            task.artifact("report", report.model_dump(mode="json"))
        return report

    def _train(
        self,
        generated: GeneratedDataset,
        config: TrainingConfig,
        output: Path,
        task: ExperimentTask,
        on_step: Callable[[int], None],
    ) -> TrainedModel:
        losses: list[tuple[int, float]] = []

        def on_scalars(step: int, figures: Mapping[str, float]) -> None:
            task.scalars("training", figures, step)
            if "loss" in figures:
                losses.append((step, figures["loss"]))
                on_step(1)

        trained = self.trainer.finetune(generated.dataset, config, output, on_scalars)
        task.scalars("held out", {"loss": trained.held_out_loss_before}, 0)
        task.scalars("held out", {"loss": trained.held_out_loss_after}, trained.steps)
        curve = output / "loss.png"
        self.draw_curve(losses, trained, curve)
        task.artifact("loss curve", curve)
        return trained


def refusal(trained: TrainedModel) -> str | None:
    """Returns why the alias must not move to this model, None when it may."""
    before, after = trained.held_out_loss_before, trained.held_out_loss_after
    if math.isfinite(after) and after < before:
        return None
    return f"held-out loss did not fall: {before:.4f} before, {after:.4f} after"


def steps_of(train_samples: int, config: TrainingConfig) -> int:
    """Returns how many steps a run has."""
    return math.ceil(math.ceil(train_samples / config.batch_size) * config.epochs)


def _parameters(generated: GeneratedDataset, config: TrainingConfig) -> dict[str, object]:
    dataset = generated.dataset
    sizes = {"train_samples": len(dataset.train), "test_samples": len(dataset.test)}
    return {**config.model_dump(mode="json"), **sizes}


def _metrics(trained: TrainedModel) -> dict[str, float]:
    metrics = {
        "held_out_loss_before": trained.held_out_loss_before,
        "held_out_loss_after": trained.held_out_loss_after,
        "steps": float(trained.steps),
    }
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def _tags(config: TrainingConfig, trained: TrainedModel) -> dict[str, str]:
    return {
        "base_model": config.base_model,
        "backend": trained.backend,
        "config": config.model_dump_json(),
    }


def _report(
    generated: GeneratedDataset,
    trained: TrainedModel,
    registered: RegisteredModel,
    note: str | None,
    *,
    seconds: float,
    tracked_at: str,
) -> TrainingReport:
    return TrainingReport(
        model=registered.name,
        version=registered.version,
        promoted=note is None,
        note=note or f"{CHAMPION} points to version {registered.version}",
        train_samples=len(generated.dataset.train),
        test_samples=len(generated.dataset.test),
        refused=dict(generated.refused),
        held_out_loss_before=trained.held_out_loss_before,
        held_out_loss_after=trained.held_out_loss_after,
        steps=trained.steps,
        backend=trained.backend,
        seconds=round(seconds, 1),
        tracked_at=tracked_at,
    )
