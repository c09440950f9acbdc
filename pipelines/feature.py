"""The feature pipeline: documents of the store become searchable chunks of the index."""

from collections.abc import Callable
from functools import partial

from pydantic import Field

from llm_engineering.application.ports.execution import Engine, Executor, Worker
from llm_engineering.application.ports.likeness import LikenessStore
from llm_engineering.application.ports.models import EmbeddingModel, SparseEncoder
from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.ports.storage import ChunkIndex, DocumentStore
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.application.preprocessing.cpu_times import CpuTimes
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    CleaningDispatcher,
)
from llm_engineering.application.preprocessing.embedding import SEARCHED_WORDS
from llm_engineering.application.preprocessing.featurizing import Features, FeatureWork
from llm_engineering.application.preprocessing.indexing import Indexer, plan_indexing
from llm_engineering.application.preprocessing.linking import DuplicateLinker
from llm_engineering.application.preprocessing.publishing import publish
from llm_engineering.application.preprocessing.sampling import verify_sample
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.ids import fingerprint
from llm_engineering.domain.releases import Generation
from llm_engineering.domain.types import Frozen
from pipelines.steps.chunk_and_embed import chunk_and_embed
from pipelines.steps.clean import clean
from pipelines.steps.link_duplicates import link_duplicates


class FeatureReport(Frozen):
    """What a run did. `cpu_s` has seconds of CPU by stage; `failed` a line for each document.

    `documents_empty` have no text, and so no chunks; the failed ones are among the changed.
    `documents_duplicate` were left out as copies of others; they are not among those seen.
    """

    generation: str
    switched: bool
    documents_seen: int
    documents_changed: int
    documents_unchanged: int
    documents_removed: int
    documents_empty: int
    documents_duplicate: int
    chunks_written: int
    chunks_embedded: int
    chunks_reused: int
    chunks_deleted: int
    failed: tuple[str, ...] = ()
    cpu_s: dict[str, float] = Field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Returns whether every document could be processed."""
        return not self.failed


def run_feature(
    platform: Platform,
    config: FeatureConfig,
    progress: Progress,
    engine: Engine = Engine.LOCAL,
    workers: int = 1,
) -> FeatureReport:
    """Cleans, chunks, embeds and indexes what changed since the last run.

    `engine` says where documents are chunked and embedded; this process writes.

    Raises:
        ConfigurationError: the chunks would be longer than what the embedder reads.
        StoreUnavailable, ModelError, ExecutionFailed: an outage; the next run goes on from the
            last commit.
        IntegrityError: a new generation is not complete; the live one stays.
    """
    with platform.executor(engine, workers) as executor:
        return build_features(
            platform.document_store,
            platform.likeness_store,
            platform.chunk_index,
            platform.embedding_model,
            platform.sparse_encoder,
            executor,
            platform.featurizer(config, in_process=engine is Engine.LOCAL and workers == 1),
            config,
            progress,
        )


def build_features(
    store: DocumentStore,
    likenesses: LikenessStore,
    index: ChunkIndex,
    model: EmbeddingModel,
    sparse: SparseEncoder,
    executor: Executor,
    make_featurizer: Callable[[], Worker[FeatureWork, Features]],
    config: FeatureConfig,
    progress: Progress,
) -> FeatureReport:
    """Does the work of `run_feature` with these collaborators."""
    cpu = CpuTimes()
    chunking = ChunkingDispatcher(model, config.chunking)
    generation = _generation(model, sparse, chunking)
    live_before = index.live()
    linker, cleaning = DuplicateLinker(store, likenesses, config.duplicates), CleaningDispatcher()
    with cpu.of("plan"):
        current = store.current_revisions()
        pending = linker.pending(current)
    with cpu.of("clean"):
        failed = clean(store, cleaning, pending, progress)
    with cpu.of("find duplicates"):
        copies = link_duplicates(linker, current.keys(), pending, failed.keys(), progress)
    with cpu.of("plan"):
        index.create(generation)
        wanted = {one: revision for one, revision in current.items() if one not in copies}
        plan = plan_indexing(wanted, index, generation)
    with cpu.of("clean"):
        compared_before = {a: b for a, b in plan.changed.items() if a not in pending}
        failed |= clean(store, cleaning, compared_before, progress)
    indexer = Indexer(index, generation, config, cpu)
    featurize = partial(executor.map, make_featurizer, batch_size=config.batch_documents)
    outcome = chunk_and_embed(store, featurize, indexer, plan, failed.keys(), cpu, progress)
    failed |= outcome.failed
    with cpu.of("publish"):
        publish(
            index,
            plan,
            failed.keys() | outcome.empty,
            lambda new: verify_sample(index, new, store, model),
            config.keep_generations,
        )
    return FeatureReport(
        generation=generation.name,
        switched=live_before != generation,
        documents_seen=len(plan.changed) + plan.unchanged,
        documents_changed=len(plan.changed) - len(outcome.empty),
        documents_unchanged=plan.unchanged,
        documents_removed=len(plan.vanished),
        documents_empty=len(outcome.empty),
        documents_duplicate=len(copies),
        chunks_written=indexer.counts.written,
        chunks_embedded=indexer.counts.embedded,
        chunks_reused=indexer.counts.reused,
        chunks_deleted=indexer.counts.deleted,
        failed=tuple(failed.values()),
        cpu_s={stage: round(seconds, 3) for stage, seconds in cpu.seconds.items()},
    )


def _generation(
    model: EmbeddingModel, sparse: SparseEncoder, chunking: ChunkingDispatcher
) -> Generation:
    """Returns the generation that these make: one of them changed is another one."""
    return Generation(
        embedder=model.fingerprint,
        chunker=fingerprint(chunking.fingerprint, sparse.fingerprint, SEARCHED_WORDS),
        dimension=model.dimension,
    )
