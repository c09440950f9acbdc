"""Step: question/answer samples from the live index."""

from langchain_core.language_models import BaseChatModel

from llm_engineering.application.dataset.generation import (
    GeneratedDataset,
    generate_dataset,
    model_questioner,
)
from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.training import TrainingConfig


def make_dataset(
    index: ChunkIndex, model: BaseChatModel | None, config: TrainingConfig, progress: Progress
) -> GeneratedDataset:
    """Returns the samples; `model` words the questions, without it the headings do.

    Raises:
        InvalidInput: nothing is indexed, or too little for a split.
    """
    generation = index.live()
    if generation is None:
        raise InvalidInput("nothing is indexed: type 'poe run-etl', then 'poe run-feature'")
    questioner = None if model is None else model_questioner(model)
    with progress.stage("samples", config.samples) as on_done:
        return generate_dataset(index.scroll(generation), config, questioner, on_done)
