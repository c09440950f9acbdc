import sys
from pathlib import Path

import pytest

from llm_engineering.domain.errors import MissingDependency
from llm_engineering.infrastructure.trainers import factory
from llm_engineering.infrastructure.trainers.trl_trainer import TrlTrainer
from llm_engineering.infrastructure.trainers.unsloth_trainer import UnslothTrainer


def test_without_a_cuda_device_trl_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "cuda_available", lambda: False)
    assert isinstance(factory.make_trainer(Path), TrlTrainer)


def test_with_a_cuda_device_unsloth_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "cuda_available", lambda: True)
    monkeypatch.setitem(sys.modules, "unsloth", sys.modules[__name__])  # installed, as far as asked
    assert isinstance(factory.make_trainer(Path), UnslothTrainer)


def test_a_cuda_device_without_unsloth_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "cuda_available", lambda: True)
    monkeypatch.setitem(sys.modules, "unsloth", None)
    with pytest.raises(MissingDependency, match="poetry install --with train,unsloth"):
        factory.make_trainer(Path)


def test_without_torch_the_error_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependency, match="type 'poetry install --with train'"):
        factory.make_trainer(Path)
