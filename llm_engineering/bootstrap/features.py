"""The feature pipeline: where its work is done, and by what."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from llm_engineering.application.ports.execution import Engine, Executor
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    EmbeddingDispatcher,
)
from llm_engineering.application.preprocessing.featurizing import Featurizer
from llm_engineering.bootstrap.crawls import Crawls
from llm_engineering.bootstrap.models import Models
from llm_engineering.settings import Settings


@dataclass(frozen=True)
class RemoteFeaturizer:
    """Makes a featurizer in another process, maybe on another machine, from these settings."""

    settings: Settings
    config: FeatureConfig

    def __call__(self) -> Featurizer:
        """Returns the featurizer; it lives as long as the process."""
        return make_featurizer(Models(self.settings), self.config)


def make_featurizer(models: Models, config: FeatureConfig) -> Featurizer:
    """Returns a worker of the feature pipeline with these encoders."""
    model = models.embedding_model
    return Featurizer(
        ChunkingDispatcher(model, config.chunking),
        EmbeddingDispatcher(model, models.sparse_encoder),
        config.batch_size,
    )


class Features(Crawls):
    """What makes chunks of documents."""

    @contextmanager
    def executor(self, engine: Engine, workers: int) -> Iterator[Executor]:
        """Where costly work runs while the block lasts: here, in processes, or on Ray.

        Raises:
            MissingDependency: Ray is asked for and not installed.
            ExecutionFailed: no cluster answers at RAY_ADDRESS.
        """
        executor: Executor
        if engine is Engine.RAY:
            from llm_engineering.infrastructure.execution.ray_data import RayExecutor

            executor = RayExecutor(self.settings.RAY_ADDRESS, workers)
        elif workers > 1:
            from llm_engineering.infrastructure.execution.processes import ProcessExecutor

            executor = ProcessExecutor(workers)
        else:
            from llm_engineering.infrastructure.execution.in_process import InProcessExecutor

            executor = InProcessExecutor()
        with closing(executor):
            yield executor

    def featurizer(self, config: FeatureConfig, *, in_process: bool) -> Callable[[], Featurizer]:
        """Returns what makes a worker that chunks and embeds: here, or picklable for elsewhere."""
        if in_process:
            return lambda: make_featurizer(self, config)
        return RemoteFeaturizer(self.settings.without_secrets(), config)
