from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from langchain_core.language_models import FakeListChatModel

from llm_engineering.bootstrap import Platform
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.errors import InvalidInput, MissingDependency, StoreUnavailable
from llm_engineering.domain.releases import Generation, RegisteredModel
from llm_engineering.domain.training import TrainingConfig
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.infrastructure.in_memory.registry import InMemoryModelRegistry
from llm_engineering.infrastructure.in_memory.tracking import InMemoryTracker
from llm_engineering.settings import load_config
from pipelines.training import run_training
from tests.unit.application.dataset.chunk_making import corpus
from tests.unit.application.training.training_making import ScriptedTrainer

LIVE = Generation(embedder="e", chunker="c", dimension=3)


class ReadyIndex:
    """The two calls of ChunkIndex that training needs."""

    def __init__(self, chunks: list[Chunk], live: Generation | None = LIVE) -> None:
        self._chunks = chunks
        self._live = live

    def live(self) -> Generation | None:
        return self._live

    def scroll(self, generation: Generation) -> Iterator[Chunk]:
        assert generation == LIVE
        return iter(self._chunks)


def platform_of(folder: Path, **changes: Any) -> Platform:
    def made(name: str) -> Path:
        (folder / name).mkdir(parents=True, exist_ok=True)
        return folder / name

    parts = {
        "trainer": ScriptedTrainer(),
        "tracker": InMemoryTracker(),
        "registry": InMemoryModelRegistry(folder / "cache"),
        "chunk_index": ReadyIndex(corpus(8)),
        "folder": made,
    }
    return cast("Platform", SimpleNamespace(**parts | changes))


def test_from_chunks_to_a_champion(tmp_path: Path) -> None:
    platform = platform_of(tmp_path)
    progress = SilentProgress()
    report = run_training(platform, TrainingConfig(samples=10), progress)
    assert report.promoted
    assert platform.registry.get("llm", "champion").version == report.version == 1
    assert report.train_samples + report.test_samples == 10
    assert progress.done == {"samples": 10, "training steps": 3}


def test_the_loss_curve_is_a_png_with_the_run(tmp_path: Path) -> None:
    tracker = InMemoryTracker()
    run_training(platform_of(tmp_path, tracker=tracker), TrainingConfig(), SilentProgress())
    curve = tracker.tasks[0].recorded_artifacts["loss curve"]
    assert isinstance(curve, bytes)
    assert curve.startswith(b"\x89PNG")


def test_the_working_files_are_removed(tmp_path: Path) -> None:
    run_training(platform_of(tmp_path), TrainingConfig(), SilentProgress())
    assert list((tmp_path / "training").iterdir()) == []


class OutOfReach(InMemoryModelRegistry):
    """A registry that goes down: before the first call, or while a model is trained."""

    def __init__(self, cache: Path, *, from_the_start: bool) -> None:
        super().__init__(cache)
        self._from_the_start = from_the_start

    def ping(self) -> None:
        if self._from_the_start:
            raise StoreUnavailable("MLflow at http://mlflow:5000: no connection")

    def register(self, *_: Any) -> RegisteredModel:
        raise StoreUnavailable("MLflow at http://mlflow:5000: no connection")


def test_a_registry_that_is_down_is_noticed_before_anything_is_trained(tmp_path: Path) -> None:
    trainer = ScriptedTrainer()
    registry = OutOfReach(tmp_path, from_the_start=True)
    platform = platform_of(tmp_path, trainer=trainer, registry=registry)
    with pytest.raises(StoreUnavailable, match="no connection"):
        run_training(platform, TrainingConfig(), SilentProgress())
    assert trainer.trained_on == []


def test_a_model_that_cannot_be_registered_is_kept(tmp_path: Path) -> None:
    platform = platform_of(tmp_path, registry=OutOfReach(tmp_path, from_the_start=False))
    with pytest.raises(StoreUnavailable, match="the trained model is kept in") as outage:
        run_training(platform, TrainingConfig(), SilentProgress())
    (kept,) = (tmp_path / "training").iterdir()
    assert str(outage.value).endswith(str(kept))
    assert list(kept.rglob("*.safetensors"))


def test_a_chat_model_words_the_questions_when_asked(tmp_path: Path) -> None:
    trainer = ScriptedTrainer()
    model = FakeListChatModel(responses=[f"How does topic {n} work?" for n in range(16)])
    platform = platform_of(tmp_path, trainer=trainer, chat_model=lambda: model)
    run_training(platform, TrainingConfig(questions="model"), SilentProgress())
    assert all(s.instruction.startswith("How does") for s in trainer.trained_on[0].train)


def test_without_an_index_it_says_what_to_type(tmp_path: Path) -> None:
    platform = platform_of(tmp_path, chunk_index=ReadyIndex([], live=None))
    with pytest.raises(InvalidInput, match="poe run-etl"):
        run_training(platform, TrainingConfig(), SilentProgress())


def test_without_torch_nothing_is_begun(tmp_path: Path) -> None:
    class Bare:
        @property
        def trainer(self) -> ScriptedTrainer:
            raise MissingDependency("type 'poetry install --with train'")

    with pytest.raises(MissingDependency):
        run_training(cast("Platform", Bare()), TrainingConfig(), SilentProgress())


def test_the_shipped_configuration_is_the_default() -> None:
    shipped = load_config(Path(__file__).parents[3] / "configs/training.yaml", TrainingConfig)
    assert shipped == TrainingConfig()
