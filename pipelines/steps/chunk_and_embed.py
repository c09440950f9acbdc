"""Step: chunk, embed and index the documents that changed."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.application.preprocessing.cpu_times import CpuTimes
from llm_engineering.application.preprocessing.featurizing import Features, FeatureWork
from llm_engineering.application.preprocessing.indexing import Indexer, IndexingPlan
from pipelines.steps.clean import FailedDocuments, pages

Featurize = Callable[[Iterable[FeatureWork]], Iterator[Features]]


@dataclass
class ChunkingOutcome:
    """Documents that could not be chunked, by reason, and those without any text."""

    failed: FailedDocuments = field(default_factory=dict)
    empty: set[UUID] = field(default_factory=set)


def chunk_and_embed(
    store: DocumentStore,
    featurize: Featurize,
    indexer: Indexer,
    plan: IndexingPlan,
    left_out: Collection[UUID],
    cpu: CpuTimes,
    progress: Progress,
) -> ChunkingOutcome:
    """Brings the index to the plan's revisions, `left_out` aside; returns what was not indexed.

    `featurize` yields the features of each document, in order, wherever they are made.

    Raises:
        StoreUnavailable, ModelError, ExecutionFailed: the run stops; what was committed is kept.
    """
    outcome = ChunkingOutcome()
    work = _work(store, indexer, plan, left_out, outcome)
    total = len(plan.changed) + len(plan.vanished)
    with progress.stage("index documents", total) as advance:
        with progress.stage("embed chunks") as on_embedded:
            for features in featurize(work):
                _put(features, indexer, outcome)
                cpu.add(features.cpu_s)
                on_embedded(features.embedded)
                advance(1)
        for document in plan.vanished:
            indexer.remove(document)
            advance(1)
        indexer.finish()
        advance(len(outcome.failed) + len(left_out))
    return outcome


def _work(
    store: DocumentStore,
    indexer: Indexer,
    plan: IndexingPlan,
    left_out: Collection[UUID],
    outcome: ChunkingOutcome,
) -> Iterator[FeatureWork]:
    """Yields what workers need of each document, as they become free."""
    wanted = {one: text for one, text in plan.changed.items() if one not in left_out}
    for page in pages(wanted):
        texts = store.cleaned_texts(page)
        for document in page:
            if document in texts:
                yield FeatureWork(texts[document], indexer.known(document))
            else:
                outcome.failed[document] = f"document {document} has no cleaned text"


def _put(features: Features, indexer: Indexer, outcome: ChunkingOutcome) -> None:
    if features.failure:
        outcome.failed[features.document_id] = features.failure
        return
    if not features.chunks:
        outcome.empty.add(features.document_id)
    indexer.put(features)
