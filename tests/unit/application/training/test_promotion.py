"""When the alias moves: only to a model that is better on what it has not seen."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.ports.models import TrainedModel
from llm_engineering.application.training.finetune import (
    CHAMPION,
    FineTuning,
    refusal,
    steps_of,
)
from llm_engineering.domain.errors import InvalidInput, StoreUnavailable
from llm_engineering.domain.training import TrainingConfig, TrainingReport
from llm_engineering.infrastructure.in_memory.registry import InMemoryModelRegistry
from llm_engineering.infrastructure.in_memory.tracking import InMemoryTracker
from tests.unit.application.training.training_making import ScriptedTrainer, generated_dataset

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def _draw(_losses: Sequence[tuple[int, float]], _trained: TrainedModel, file: Path) -> None:
    file.write_bytes(b"png")


class Works:
    """Runs of fine-tuning, one after the other, each in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.registry = InMemoryModelRegistry(folder / "registry")
        self.tracker = InMemoryTracker()
        self.runs = 0

    def train(self, before: float, after: float) -> TrainingReport:
        self.runs += 1
        output = self._folder / f"run-{self.runs}"
        output.mkdir()
        ticks = iter(NOON + timedelta(seconds=90 * n) for n in range(9))
        tuning = FineTuning(
            ScriptedTrainer(before=before, after=after),
            self.tracker,
            self.registry,
            _draw,
            lambda: next(ticks),
        )
        return tuning.run(generated_dataset(), TrainingConfig(), output)

    @property
    def champion(self) -> int:
        return self.registry.get("llm", CHAMPION).version


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return Works(tmp_path)


def test_the_alias_follows_the_models_that_became_better(works: Works) -> None:
    losses = [(3.0, 2.0), (3.0, 3.0), (3.0, 2.9), (3.0, math.nan), (3.0, 1.0)]
    champions = []
    for before, after in losses:
        works.train(before, after)
        champions.append(works.champion)
    assert champions == [1, 1, 3, 3, 5]


def test_every_model_is_registered_with_what_it_was_made_of(works: Works) -> None:
    report = works.train(3.0, 3.5)
    assert not report.promoted
    kept = works.registry.get("llm", "1")
    assert kept.tags["base_model"] == TrainingConfig().base_model
    assert TrainingConfig.model_validate_json(kept.tags["config"]) == TrainingConfig()
    assert kept.metrics["held_out_loss_after"] == 3.5
    assert set(kept.files) == {"config.json", "model.safetensors"}
    with pytest.raises(InvalidInput):
        works.registry.get("llm", CHAMPION)


@pytest.mark.parametrize("after", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_no_metric_and_no_gain(works: Works, after: float) -> None:
    report = works.train(3.0, after)
    assert not report.promoted
    assert "held_out_loss_after" not in works.registry.get("llm", "1").metrics
    assert "did not fall" in report.note


def test_the_time_it_took_is_that_of_the_clock(works: Works) -> None:
    assert works.train(3.0, 2.0).seconds == 90.0


def test_a_registry_that_is_down_fails_the_task(tmp_path: Path) -> None:
    class Down(InMemoryModelRegistry):
        def register(self, *_: object, **__: object) -> None:  # type: ignore[override]
            raise StoreUnavailable("mlflow is down")

    works = Works(tmp_path)
    works.registry = Down(tmp_path / "registry")
    with pytest.raises(StoreUnavailable):
        works.train(3.0, 2.0)
    (task,) = works.tracker.tasks
    assert task.outcome == "failed"
    assert "report" not in task.recorded_artifacts


LOSS = st.floats(allow_nan=True, allow_infinity=True)


@given(LOSS, LOSS)
def test_a_model_is_taken_only_if_its_loss_is_a_smaller_number(before: float, after: float) -> None:
    note = refusal(TrainedModel(Path(), before, after, 1, "scripted"))
    assert (note is None) == (math.isfinite(after) and after < before)
    assert note is None or "held-out loss did not fall" in note


@given(st.integers(1, 10_000), st.integers(1, 64), st.sampled_from([0.1, 0.5, 1.0, 2.0, 3.5]))
def test_steps_pass_over_every_sample_so_often(samples: int, batch: int, epochs: float) -> None:
    config = TrainingConfig(batch_size=batch, epochs=epochs)
    steps = steps_of(samples, config)
    assert steps >= 1
    assert steps * batch >= samples * epochs - 1e-6
    assert (steps - 1) < math.ceil(samples / batch) * epochs
