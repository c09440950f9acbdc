"""Step: chunk, embed and index the documents that changed."""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.application.preprocessing.cpu_times import CpuTimes
from llm_engineering.application.preprocessing.dispatchers import ChunkingDispatcher
from llm_engineering.application.preprocessing.indexing import Indexer, IndexingPlan
from llm_engineering.domain.cleaned_documents import CleanedDocument
from llm_engineering.domain.errors import DocumentError, InvalidInput
from pipelines.steps.clean import FailedDocuments


@dataclass
class ChunkingOutcome:
    """Documents that could not be chunked, by reason, and those without any text."""

    failed: FailedDocuments = field(default_factory=dict)
    empty: set[UUID] = field(default_factory=set)


def chunk_and_embed(
    store: DocumentStore,
    chunking: ChunkingDispatcher,
    indexer: Indexer,
    plan: IndexingPlan,
    left_out: Collection[UUID],
    cpu: CpuTimes,
    progress: Progress,
) -> ChunkingOutcome:
    """Brings the index to the plan's revisions, `left_out` aside; returns what was not indexed.

    Raises:
        StoreUnavailable, ModelError: the run stops; what was committed is kept.
    """
    outcome = ChunkingOutcome()
    with progress.stage("index documents", len(plan.changed) + len(plan.vanished)) as advance:
        for document, revision in plan.changed.items():
            if document not in left_out:
                _index_one(store, chunking, indexer, document, revision, cpu, outcome)
            advance(1)
        for document in plan.vanished:
            indexer.put(document, [])
            advance(1)
        indexer.finish()
    return outcome


def _index_one(
    store: DocumentStore,
    chunking: ChunkingDispatcher,
    indexer: Indexer,
    document: UUID,
    revision: str,
    cpu: CpuTimes,
    outcome: ChunkingOutcome,
) -> None:
    try:
        with cpu.of("chunk"):
            chunks = chunking.dispatch(_cleaned(store, document, revision))
    except (DocumentError, InvalidInput) as error:
        outcome.failed[document] = str(error)
        return
    if not chunks:
        outcome.empty.add(document)
    indexer.put(document, chunks)


def _cleaned(store: DocumentStore, document: UUID, revision: str) -> CleanedDocument:
    cleaned = store.cleaned(document, revision)
    if cleaned is None:
        raise InvalidInput(f"document {document} has no cleaned text")
    return cleaned
