"""Fusion of the dense and the sparse ranking into one."""

from collections.abc import Sequence

from llm_engineering.domain.queries import ScoredChunk

DENSE_WEIGHT = 0.5


def fuse(
    dense: Sequence[ScoredChunk],
    sparse: Sequence[ScoredChunk],
    *,
    dense_weight: float = DENSE_WEIGHT,
) -> list[ScoredChunk]:
    """Returns both rankings as one, best first, with the stage's scores and `fusion`.

    `fusion` (0.0-1.0) is the weighted sum of each list's scores scaled to 0.0-1.0 between its
    worst and its best candidate (convex combination with min-max scaling: Bruch et al., "An
    Analysis of Fusion Functions for Hybrid Retrieval", 2023). Equal scores keep the dense order.
    """
    weights = {"dense": dense_weight, "sparse": 1.0 - dense_weight}
    chunks = {found.chunk.id: found.chunk for found in (*dense, *sparse)}
    stage_scores: dict[object, dict[str, float]] = {key: {} for key in chunks}
    fused = dict.fromkeys(chunks, 0.0)
    for stage, ranking in (("dense", dense), ("sparse", sparse)):
        low = min((found.score for found in ranking), default=0.0)
        width = max((found.score for found in ranking), default=0.0) - low
        for found in ranking:
            scaled = (found.score - low) / width if width > 0 else 1.0
            stage_scores[found.chunk.id][stage] = found.score
            fused[found.chunk.id] += weights[stage] * scaled
    best_first = sorted(chunks, key=lambda key: -fused[key])
    return [
        ScoredChunk(chunk=chunks[key], scores={**stage_scores[key], "fusion": fused[key]})
        for key in best_first
    ]
