"""Publishing: searches move to a new generation once it is seen to be complete."""

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.application.preprocessing.indexing import IndexingPlan, is_whole
from llm_engineering.domain.errors import IntegrityError
from llm_engineering.domain.releases import Generation


def publish(
    index: ChunkIndex,
    plan: IndexingPlan,
    left_out: Collection[UUID],
    check: Callable[[Generation], None],
    keep_generations: int,
) -> bool:
    """Makes the plan's generation live and drops old ones; returns whether it was not live before.

    Args:
        index: holds the generations.
        plan: what the run set out to do.
        left_out: documents that failed or have no text, and so no chunks.
        check: returns if the generation is fit to be searched, and raises if it is not.
        keep_generations: how many that are not live stay; the one live until now first.

    Raises:
        IntegrityError: chunks are missing or wrong; what was live stays live.
    """
    before = index.live()
    if before == plan.generation:
        return False
    verify(index, plan, left_out)
    check(plan.generation)
    index.switch(plan.generation)
    for generation in _superfluous(index, before, keep_generations):
        index.drop(generation)
    return True


def verify(index: ChunkIndex, plan: IndexingPlan, left_out: Collection[UUID]) -> None:
    """Returns if the generation holds the documents of the plan whole, and nothing else.

    Raises:
        IntegrityError: it does not; the message has the counts.
    """
    held = index.indexed(plan.generation)
    partial = [
        document
        for document, revision in plan.changed.items()
        if document not in left_out and not is_whole(held.get(document, ()), revision)
    ]
    expected = sum(entry.total for entries in held.values() for entry in entries)
    counted = index.count(plan.generation)
    if partial or counted != expected:
        raise IntegrityError(
            f"generation {plan.generation.name} has {counted} of {expected} chunks and "
            f"{len(partial)} documents that are not whole; the live one was not changed"
        )


def _superfluous(index: ChunkIndex, before: Generation | None, keep: int) -> Sequence[Generation]:
    idle = [status.generation for status in index.generations() if not status.live]
    idle.sort(key=lambda generation: (generation != before, generation.name))
    return idle[keep:]
