import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from llm_engineering.application.ports.models import TrainedModel
from llm_engineering.application.training.finetune import FineTuning, refusal, steps_of
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.training import TrainingConfig, TrainingReport
from llm_engineering.infrastructure.in_memory.registry import InMemoryModelRegistry
from llm_engineering.infrastructure.in_memory.tracking import InMemoryTask, InMemoryTracker
from tests.unit.application.training.training_making import ScriptedTrainer, generated_dataset

CONFIG = TrainingConfig(lora_r=8)


class Run:
    """The use case over stand-ins; each tick of its clock is 30 seconds."""

    def __init__(self, folder: Path, trainer: ScriptedTrainer) -> None:
        self.folder = folder
        self.tracker = InMemoryTracker()
        self.registry = InMemoryModelRegistry(folder / "cache")
        self.steps: list[int] = []
        ticks = iter(range(100))
        self.use_case = FineTuning(
            trainer,
            self.tracker,
            self.registry,
            self._draw,
            lambda: datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=30 * next(ticks)),
        )

    def _draw(self, losses: Sequence[tuple[int, float]], trained: TrainedModel, file: Path) -> None:
        file.write_text(repr(list(losses)))

    def __call__(self, name: str = "run") -> TrainingReport:
        output = self.folder / name
        return self.use_case.run(generated_dataset(), CONFIG, output, self.steps.append)

    @property
    def task(self) -> InMemoryTask:
        return self.tracker.tasks[-1]


def test_a_better_model_is_registered_and_becomes_champion(tmp_path: Path) -> None:
    run = Run(tmp_path, ScriptedTrainer())
    report = run()
    champion = run.registry.get("llm", "champion")
    assert champion.version == report.version == 1
    assert set(champion.files) == {"config.json", "model.safetensors"}
    assert champion.metrics == {
        "held_out_loss_before": 3.1,
        "held_out_loss_after": 2.1,
        "steps": 3.0,
    }
    assert champion.tags["backend"] == "scripted"
    assert TrainingConfig.model_validate_json(champion.tags["config"]) == CONFIG
    assert report.promoted
    assert report.note == "champion points to version 1"


def test_scalars_have_their_true_iterations(tmp_path: Path) -> None:
    run = Run(tmp_path, ScriptedTrainer(losses=(3.0, 2.0)))
    run()
    training = [(n, v["loss"]) for title, n, v in run.task.recorded_scalars if title == "training"]
    held_out = [(n, v["loss"]) for title, n, v in run.task.recorded_scalars if title == "held out"]
    assert training == [(1, 3.0), (2, 2.0)]
    assert held_out == [(0, 3.1), (2, 2.1)]
    assert run.steps == [1, 1]


def test_the_whole_configuration_and_the_curve_are_with_the_run(tmp_path: Path) -> None:
    run = Run(tmp_path, ScriptedTrainer(losses=(3.0, 2.0)))
    report = run()
    sizes = {"train_samples": report.train_samples, "test_samples": report.test_samples}
    assert run.task.recorded_parameters == {**CONFIG.model_dump(mode="json"), **sizes}
    assert run.task.recorded_artifacts["loss curve"] == b"[(1, 3.0), (2, 2.0)]"
    assert run.task.recorded_artifacts["report"] == report.model_dump(mode="json")
    assert (run.task.kind, run.task.outcome) == ("training", "done")


def test_the_report_says_how_long_it_took_and_where_to_look(tmp_path: Path) -> None:
    report = Run(tmp_path, ScriptedTrainer())()
    assert report.seconds == 30.0
    assert report.tracked_at == "memory:fine-tune"
    assert (report.train_samples + report.test_samples, report.steps) == (16, 3)


@pytest.mark.parametrize("after", [3.1, 4.0, math.nan, math.inf])
def test_without_a_falling_held_out_loss_the_alias_stays(tmp_path: Path, after: float) -> None:
    run = Run(tmp_path, ScriptedTrainer())
    run("first")
    run.use_case = FineTuning(
        ScriptedTrainer(after=after),
        run.tracker,
        run.registry,
        run.use_case.draw_curve,
        run.use_case.clock,
    )
    report = run("second")
    assert not report.promoted
    assert "did not fall: 3.1000 before" in report.note
    assert report.version == 2
    assert run.registry.get("llm", "champion").version == 1


def test_a_failed_training_fails_its_task_and_registers_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path, ScriptedTrainer())
    (tmp_path / "run" / "model").mkdir(parents=True)  # the trainer cannot write there
    with pytest.raises(FileExistsError):
        run()
    assert run.task.outcome == "failed"
    with pytest.raises(InvalidInput, match="known: none"):
        run.registry.get("llm", "1")


def test_refusal_names_both_losses() -> None:
    assert refusal(TrainedModel(Path(), 1.0, 0.5, 1, "x")) is None
    assert refusal(TrainedModel(Path(), 1.0, 1.0, 1, "x")) == (
        "held-out loss did not fall: 1.0000 before, 1.0000 after"
    )


@pytest.mark.parametrize(
    ("samples", "epochs", "steps"), [(8, 1, 2), (9, 1, 3), (9, 2, 6), (8, 0.5, 1)]
)
def test_steps_of_a_run(samples: int, epochs: float, steps: int) -> None:
    assert steps_of(samples, TrainingConfig(batch_size=4, epochs=epochs)) == steps
