"""Step: link the copies among the documents to their originals."""

from collections.abc import Collection, Mapping
from uuid import UUID

from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.preprocessing.linking import DuplicateLinker


def link_duplicates(
    linker: DuplicateLinker,
    current: Collection[UUID],
    pending: Mapping[UUID, str],
    failed: Collection[UUID],
    progress: Progress,
) -> Mapping[UUID, UUID]:
    """Compares what is pending, `failed` aside; returns the original of every copy.

    Raises:
        StoreUnavailable: the run stops; what was compared is kept.
    """
    with progress.stage("find duplicates", len(pending)) as advance:
        for document, revision in pending.items():
            if document not in failed:
                linker.compare(document, revision)
            advance(1)
        return linker.link(current)
