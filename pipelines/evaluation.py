"""The evaluation pipeline: how well retrieval works, on judged collections or one's own corpus."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llm_engineering.application.evaluation.answers import answer_questions, qa_report
from llm_engineering.application.evaluation.bootstrap import Bootstrap
from llm_engineering.application.evaluation.collection import (
    Collection,
    collection_document_id,
    read_collection,
)
from llm_engineering.application.evaluation.config import EvaluationConfig
from llm_engineering.application.evaluation.corpus_questions import corpus_task
from llm_engineering.application.evaluation.qa_file import PassageShelf, QaSet, read_qa, sampled
from llm_engineering.application.evaluation.retrieval import (
    RetrievalTask,
    compare,
    task_of,
    variant_report,
)
from llm_engineering.application.evaluation.self_query import (
    FilterCase,
    evaluate_self_query,
    read_cases,
)
from llm_engineering.application.evaluation.variants import variant_config
from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.application.rag.config import RagConfig
from llm_engineering.application.rag.prompts import prompt_version
from llm_engineering.application.rag.retriever import ContextRetriever
from llm_engineering.bootstrap import Platform, now
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.evaluation import (
    EvaluationReport,
    QaReport,
    RetrievalReport,
    SelfQueryReport,
)
from llm_engineering.domain.ids import document_id
from pipelines.feature import FeatureReport, run_feature
from pipelines.steps.evaluate_retrieval import answer_by_variants
from pipelines.steps.make_questions import questions_of_corpus
from pipelines.steps.write_evaluation import write_report, write_runs


@dataclass(frozen=True)
class EvaluationRequest:
    """What to evaluate on, and where to write.

    Without a `dataset` it is the user's own corpus, as it is indexed. `self_query` names a file of
    questions with their filters. `qa` names a file of questions with their answers, of which at
    most `limit`, drawn by `seed`, are answered by `model` (by default the provider's). `output` is
    the folder of the report.
    """

    dataset: Path | None = None
    self_query: Path | None = None
    run_out: Path | None = None
    output: Path | None = None
    new_questions: bool = False
    qa: Path | None = None
    limit: int | None = None
    seed: int | None = None
    model: str | None = None


@dataclass(frozen=True)
class _Corpus:
    """What is searched: how many documents and chunks, and what indexing them cost."""

    documents: int
    chunks: int
    unjudged: int
    cpu_s: Mapping[str, float]


def run_evaluation(
    platform: Platform,
    config: EvaluationConfig,
    features: FeatureConfig,
    request: EvaluationRequest,
    progress: Progress,
) -> EvaluationReport:
    """Searches with every variant, answers questions, and writes down what each reached.

    Raises:
        InvalidInput: a file is missing or malformed, nothing is indexed, or no filters are read.
        StoreUnavailable, ModelError: an outage is no bad result.
    """
    cases = read_cases(request.self_query) if request.self_query else []
    qa = read_qa(request.qa) if request.qa else None
    if request.dataset:
        collection = read_collection(request.dataset)
        with platform.scratch() as scratch:
            indexed = index_collection(scratch, collection, features, progress)
            corpus = _Corpus(
                len(collection.documents),
                indexed.chunks_written,
                collection.unjudged,
                indexed.cpu_s,
            )
            task = task_of(collection)
            retrieval: RetrievalReport | None = _retrieval(
                scratch, task, corpus, config, request, progress
            )
            filters = _self_query(scratch, cases, progress, in_collection=True)
        name = collection.name
    else:
        name = request.qa.stem if request.qa and not cases else "own corpus"
        asks = not (cases or qa) or request.new_questions
        retrieval = _own_corpus(platform, config, request, progress) if asks else None
        filters = _self_query(platform, cases, progress, in_collection=False)
    answers = _answers(platform, qa, config, request, progress) if qa else None
    stamp = f"{now():%Y%m%d-%H%M%S}-{name.replace(' ', '-')}"
    folder = request.output or platform.folder("evaluation") / stamp
    return write_report(folder, name, retrieval, filters, platform.tracker, answers)


def index_collection(
    scratch: Platform, collection: Collection, features: FeatureConfig, progress: Progress
) -> FeatureReport:
    """Indexes a collection as the feature pipeline does; copies stay, since they are judged.

    Raises:
        InvalidInput: there is no text in it.
    """
    for document in collection.documents:
        scratch.document_store.save(document)
    duplicates = features.duplicates.model_copy(update={"enabled": False})
    report = run_feature(scratch, features.model_copy(update={"duplicates": duplicates}), progress)
    if not report.chunks_written and not report.documents_unchanged:
        raise InvalidInput(f"{collection.name}: no document has any text")
    return report


def cpu_timed(platform: Platform, config: RagConfig) -> ContextRetriever:
    """Returns the production flow with its stages timed in CPU of the process."""
    return platform.retriever(config).model_copy(update={"timer": time.process_time})


def own_task(
    platform: Platform, config: EvaluationConfig, progress: Progress, *, anew: bool
) -> tuple[RetrievalTask, int]:
    """Returns the questions of the own corpus, and how many are outdated.

    Raises:
        InvalidInput: nothing is indexed, or no question is left.
    """
    questions = questions_of_corpus(
        platform.chunk_index,
        platform.question_set_store,
        platform.chat_model,
        config,
        now,
        progress,
        anew=anew,
    )
    live = platform.chunk_index.live()
    held = platform.chunk_index.indexed(live) if live else {}
    return corpus_task(questions, {one: entries[-1].revision for one, entries in held.items()})


def _own_corpus(
    platform: Platform, config: EvaluationConfig, request: EvaluationRequest, progress: Progress
) -> RetrievalReport:
    task, outdated = own_task(platform, config, progress, anew=request.new_questions)
    live = platform.chunk_index.live()
    if live is None:
        raise InvalidInput("nothing is indexed: type 'poe run-etl', then 'poe run-feature'")
    documents = len(platform.chunk_index.indexed(live))
    corpus = _Corpus(documents, platform.chunk_index.count(live), outdated, {})
    return _retrieval(platform, task, corpus, config, request, progress)


def _retrieval(
    platform: Platform,
    task: RetrievalTask,
    corpus: _Corpus,
    config: EvaluationConfig,
    request: EvaluationRequest,
    progress: Progress,
) -> RetrievalReport:
    rag = platform.rag_config
    runs = answer_by_variants(
        task, config.variants, rag, lambda chosen: cpu_timed(platform, chosen), progress
    )
    if request.run_out:
        write_runs(request.run_out, runs)
    bootstrap = Bootstrap(len(task.questions), config.seed, config.resamples)
    with progress.stage("intervals"):
        return RetrievalReport(
            source=task.source,
            documents=corpus.documents,
            chunks=corpus.chunks,
            questions=len(task.questions),
            unjudged=corpus.unjudged,
            seed=config.seed,
            resamples=config.resamples,
            index_cpu_s=dict(corpus.cpu_s),
            variants=tuple(
                variant_report(
                    variant,
                    variant_config(variant, rag).model_dump(mode="json"),
                    runs[variant],
                    bootstrap,
                    config.worst,
                )
                for variant in dict.fromkeys(config.variants)
            ),
            comparisons=compare(runs, bootstrap),
        )


def _self_query(
    platform: Platform, cases: Sequence[FilterCase], progress: Progress, *, in_collection: bool
) -> SelfQueryReport | None:
    if not cases:
        return None
    retriever = platform.retriever()
    if retriever.self_query is None:
        raise InvalidInput("no filters are read: set self_query.enabled in configs/rag.yaml")
    with progress.stage("self-query", len(cases)) as on_done:
        return evaluate_self_query(
            cases,
            retriever.self_query.invoke,
            retriever,
            on_done,
            collection_document_id if in_collection else document_id,
        )


def _answers(
    platform: Platform,
    qa: QaSet,
    config: EvaluationConfig,
    request: EvaluationRequest,
    progress: Progress,
) -> QaReport:
    seed = config.seed if request.seed is None else request.seed
    asked = sampled(qa, request.limit, seed)
    answerable = [one for one in asked.questions if one.answerable]
    with progress.stage("embed passages"):
        shelf = PassageShelf(qa, platform.embedding_model)
    writer = platform.answer_generator(request.model, shelf)
    with progress.stage("answer", len(asked.questions)) as on_done:
        outcomes = answer_questions(asked.questions, shelf, writer, on_done)
    with progress.stage("answer without gold", len(answerable)) as on_done:
        without = answer_questions(answerable, shelf, writer, on_done, with_gold=False)
    model = request.model or platform.default_chat_model
    return qa_report(
        asked, outcomes, without, model, prompt_version(), seed, config.resamples, config.worst
    )
