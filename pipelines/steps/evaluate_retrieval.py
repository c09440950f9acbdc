"""Step: run the variants over the questions."""

from collections.abc import Callable, Mapping, Sequence

from llm_engineering.application.evaluation.retrieval import (
    Answered,
    RetrievalTask,
    Searcher,
    answer_all,
)
from llm_engineering.application.evaluation.variants import Variant, variant_config
from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.rag.config import RagConfig


def answer_by_variants(
    task: RetrievalTask,
    variants: Sequence[Variant],
    config: RagConfig,
    searcher_of: Callable[[RagConfig], Searcher],
    progress: Progress,
) -> Mapping[str, Sequence[Answered]]:
    """Returns what each variant of the configuration found for every question.

    Raises:
        StoreUnavailable, ModelError: an outage is no bad result.
    """
    runs: dict[str, Sequence[Answered]] = {}
    for variant in dict.fromkeys(variants):
        searcher = searcher_of(variant_config(variant, config))
        with progress.stage(f"search {variant}", len(task.questions)) as on_done:
            runs[variant] = answer_all(task, searcher, on_done)
    return runs
