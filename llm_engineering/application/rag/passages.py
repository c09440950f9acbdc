"""From candidates to passages: of the index only those are read that can still be returned."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.application.rag.fusion import Fused, capped, without_repeats
from llm_engineering.domain.queries import ScoredChunk

# Copies, and passages beyond the cap of their document, take places: so many more are read than are
# needed. When these are not enough, as many again: reading one costs a fifth of another request.
_SPARE = 4


@dataclass(frozen=True)
class Passages:
    """The passages that were read, in the order of the fused ranking; without copies; capped.

    `lost` says that candidates were no longer there.
    """

    fused: Sequence[ScoredChunk]
    distinct: Sequence[ScoredChunk]
    capped: Sequence[ScoredChunk]
    lost: bool


def read_passages(
    index: ChunkIndex, fused: Sequence[Fused], cap: int, needed: int | None = None
) -> Passages:
    """Returns the passages of the candidates, at most `cap` of a document before others' turn.

    Args:
        index: has them.
        fused: the candidates, best first.
        cap: see `capped`.
        needed: the first so many of the capped ranking are right, and all that is returned of it;
            None: all are read.

    Raises:
        StoreUnavailable: the index cannot be reached.
    """
    read: list[ScoredChunk] = []
    portion = max(1, len(fused)) if needed is None else needed + _SPARE
    lost = False
    for start in range(0, max(1, len(fused)), portion):
        some = fused[start : start + portion]
        chunks = {chunk.id.int: chunk for chunk in index.chunks([one.id for one in some])}
        lost = lost or len(chunks) < len(some)
        read += [
            ScoredChunk(chunk=chunks[one.id.int], scores=one.scores)
            for one in some
            if one.id.int in chunks
        ]
        distinct = without_repeats(read)
        if needed is not None and _in_turn(distinct, cap) >= needed:
            break
    return Passages(read, distinct, capped(distinct, cap)[:needed], lost)


def _in_turn(distinct: Sequence[ScoredChunk], cap: int) -> int:
    """Returns how many passages are not beyond the cap: what is read later comes after these."""
    if not cap:
        return len(distinct)
    counts = Counter(found.chunk.document_id.int for found in distinct)
    return sum(min(count, cap) for count in counts.values())
