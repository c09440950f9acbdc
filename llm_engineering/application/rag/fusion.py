"""Fusion of several rankings into one, and the order that follows from it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from uuid import UUID

from llm_engineering.domain.queries import Candidate, ScoredChunk

# Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion Outperforms Condorcet", 2009
_RRF_CONSTANT = 60


@dataclass(frozen=True)
class Ranking:
    """What one search found, best first: its stage (`dense` or `sparse`) and its weight."""

    stage: str
    found: Sequence[Candidate]
    weight: float


class Fused(NamedTuple):
    """A candidate with each stage's best score and, as the last one, `fusion`."""

    id: UUID
    scores: dict[str, float]


def fuse(
    rankings: Sequence[Ranking], method: Literal["weighted", "rrf"] = "weighted"
) -> list[Fused]:
    """Returns the rankings as one, best first.

    weighted: `fusion` (0.0-1.0) is the weighted mean of each list's scores scaled to 0.0-1.0
    between its worst and its best candidate (convex combination with min-max scaling: Bruch et
    al., "An Analysis of Fusion Functions for Hybrid Retrieval", 2023).
    rrf: `fusion` is the weighted mean of 1 / (60 + rank).
    Equal scores keep the order of the first ranking.
    """
    shares = _SHARES[method]
    total = sum(ranking.weight for ranking in rankings) or 1.0
    # by the numbers of the ids: an id's own hash is computed in Python
    found: dict[int, Fused] = {}
    sums: dict[int, float] = {}
    for ranking in rankings:
        stage, weight = ranking.stage, ranking.weight
        for (key, score), share in zip(ranking.found, shares(ranking.found), strict=True):
            number = key.int
            known = found.get(number)
            if known is None:
                found[number] = Fused(key, {stage: score})
                sums[number] = weight * share / total
            else:
                known.scores[stage] = max(score, known.scores.get(stage, score))
                sums[number] += weight * share / total
    for number, value in sums.items():
        found[number].scores["fusion"] = value
    return [found[number] for number in sorted(sums, key=sums.__getitem__, reverse=True)]


def scaled(scores: Sequence[float]) -> list[float]:
    """Returns the scores scaled to 0.0-1.0 between the worst and the best; 1.0 when all equal."""
    low = min(scores, default=0.0)
    width = max(scores, default=0.0) - low
    if width <= 0:
        return [1.0] * len(scores)
    return [(score - low) / width for score in scores]


def _scaled_scores(found: Sequence[Candidate]) -> list[float]:
    return scaled([item.score for item in found])


def _reciprocal_ranks(found: Sequence[Candidate]) -> list[float]:
    return [1.0 / (_RRF_CONSTANT + rank) for rank in range(1, len(found) + 1)]


_SHARES: dict[str, Callable[[Sequence[Candidate]], list[float]]] = {
    "weighted": _scaled_scores,
    "rrf": _reciprocal_ranks,
}


def without_repeats(ranking: Iterable[ScoredChunk]) -> list[ScoredChunk]:
    """Returns the ranking without passages whose text came before: copies crowd out answers."""
    best: dict[str, ScoredChunk] = {}
    for found in ranking:
        best.setdefault(found.chunk.passage, found)
    return list(best.values())


def capped(ranking: Sequence[ScoredChunk], cap: int) -> list[ScoredChunk]:
    """Returns the ranking with what is beyond `cap` passages of a document moved to the end.

    They fill up what other documents leave free. 0: the ranking as it is.
    """
    if not cap:
        return list(ranking)
    seen: Counter[int] = Counter()
    first: list[ScoredChunk] = []
    beyond: list[ScoredChunk] = []
    for found in ranking:
        document = found.chunk.document_id.int
        seen[document] += 1
        (first if seen[document] <= cap else beyond).append(found)
    return first + beyond
