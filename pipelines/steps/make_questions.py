"""Step: questions about one's own corpus, made once and kept."""

from collections.abc import Callable
from datetime import datetime

from langchain_core.language_models import BaseChatModel

from llm_engineering.application.dataset.generation import generate_dataset, model_questioner
from llm_engineering.application.evaluation.config import EvaluationConfig
from llm_engineering.application.evaluation.corpus_questions import make_question_set
from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.ports.question_sets import QuestionSetStore
from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.evaluation import QuestionSet
from llm_engineering.domain.training import TrainingConfig


def questions_of_corpus(
    index: ChunkIndex,
    store: QuestionSetStore,
    model: Callable[[], BaseChatModel],
    config: EvaluationConfig,
    clock: Callable[[], datetime],
    progress: Progress,
    *,
    anew: bool = False,
) -> QuestionSet:
    """Returns the latest questions; makes and stores a version if there are none, or `anew`.

    Raises:
        InvalidInput: nothing is indexed, or too little to make questions of.
    """
    latest = store.latest()
    if latest is not None and not anew:
        return latest
    live = index.live()
    if live is None:
        raise InvalidInput("nothing is indexed: type 'poe run-etl', then 'poe run-feature'")
    questioner = model_questioner(model()) if config.wording == "model" else None
    sampling = TrainingConfig(samples=config.questions, seed=config.seed)
    with progress.stage("questions", config.questions) as on_done:
        made = generate_dataset(index.scroll(live), sampling, questioner, on_done).dataset
    samples = [*made.train, *made.test]
    chunks = {chunk.id: chunk for chunk in index.chunks([one.chunk_id for one in samples])}
    questions = make_question_set(
        [(one.instruction, chunks[one.chunk_id]) for one in samples if one.chunk_id in chunks],
        version=latest.version + 1 if latest else 1,
        wording=config.wording,
        seed=config.seed,
        clock=clock,
    )
    store.save(questions)
    return questions
