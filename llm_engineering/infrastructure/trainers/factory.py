"""Chooses the backend that fine-tunes."""

from collections.abc import Callable
from pathlib import Path

from llm_engineering.application.ports.models import Trainer
from llm_engineering.domain.errors import MissingDependency


def make_trainer(model_path: Callable[[str], Path]) -> Trainer:
    """Returns unsloth's trainer where a CUDA device is, else trl's on this machine's processor.

    Raises:
        MissingDependency: torch, or unsloth beside a CUDA device, is not installed.
    """
    if cuda_available():
        from llm_engineering.infrastructure.trainers.unsloth_trainer import (  # noqa: PLC0415 - one backend is enough
            UnslothTrainer,
        )

        return UnslothTrainer(model_path)
    from llm_engineering.infrastructure.trainers.trl_trainer import TrlTrainer  # noqa: PLC0415 - as above

    return TrlTrainer(model_path)


def cuda_available() -> bool:
    """Returns whether torch sees a CUDA device.

    Raises:
        MissingDependency: torch is not installed.
    """
    try:
        import torch  # noqa: PLC0415 - seconds to import, and optional
    except ImportError as error:
        raise MissingDependency(
            "training needs torch and trl: type 'poetry install --with train'"
        ) from error
    return bool(torch.cuda.is_available())
