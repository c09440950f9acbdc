"""The bounds of a training run, and its report."""

import pytest
from pydantic import ValidationError

from llm_engineering.domain.training import TrainingConfig, TrainingReport


@pytest.mark.parametrize(
    "fields",
    [
        {"lora_r": 0},
        {"lora_r": 257},
        {"lora_dropout": 1.0},
        {"epochs": 0.0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": 1.0},
        {"learning_rate": float("nan")},
        {"max_length": 31},
        {"samples": 3},
        {"test_share": 0.0},
        {"test_share": 1.0},
        {"questions": "guess"},
        {"seed": -1},
        {"warmup_steps": -1},
        {"optimizer": "adam"},
    ],
    ids=str,
)
def test_a_run_out_of_bounds_is_refused_by_name(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(fields))):
        TrainingConfig.model_validate(fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"lora_r": 256, "lora_alpha": 512},
        {"lora_dropout": 0.0, "warmup_steps": 0, "seed": 0},
        {"epochs": 0.01, "batch_size": 256, "samples": 4},
        {"max_length": 32_768, "test_share": 0.99, "questions": "model"},
    ],
    ids=str,
)
def test_the_bounds_themselves_are_allowed(fields: dict[str, object]) -> None:
    config = TrainingConfig.model_validate(fields)
    assert config.model_dump(include=set(fields)) == fields


def test_equal_configurations_are_equal_values() -> None:
    assert TrainingConfig(seed=3) == TrainingConfig(seed=3)
    assert TrainingConfig(seed=3) != TrainingConfig(seed=4)
    with pytest.raises(ValidationError, match="frozen"):
        TrainingConfig().seed = 4  # type: ignore[misc]


def test_a_report_is_whole_or_refused() -> None:
    fields: dict[str, object] = {
        "model": "llm",
        "version": 2,
        "promoted": False,
        "note": "the loss rose",
        "train_samples": 8,
        "test_samples": 2,
        "refused": {"too short": 3},
        "held_out_loss_before": 2.0,
        "held_out_loss_after": 2.5,
        "steps": 2,
        "backend": "trl",
        "seconds": 1.5,
        "tracked_at": "memory:x",
    }
    report = TrainingReport.model_validate(fields)
    assert TrainingReport.model_validate_json(report.model_dump_json()) == report
    for missing in ("note", "held_out_loss_after", "tracked_at"):
        with pytest.raises(ValidationError, match=missing):
            TrainingReport.model_validate({k: v for k, v in fields.items() if k != missing})
