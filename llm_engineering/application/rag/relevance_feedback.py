"""Relevance feedback: the first passages say more about what is asked for than the question does.

Pseudo-relevance feedback (Rocchio 1971; Lavrenko & Croft, "Relevance-Based Language Models", 2001;
for vectors: Li et al., "Pseudo-Relevance Feedback with Deep Language Models and Dense Retrievers",
2021), with no second search: candidates that resemble the first few move up.
"""

from collections.abc import Mapping
from typing import Literal

from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.application.rag.config import RelevanceFeedbackConfig
from llm_engineering.application.rag.fusion import Fused, Ranking, fuse
from llm_engineering.domain.queries import Arm

SCORE = "relevance_feedback"
_FEWEST = 2  # candidates that can change places


def with_relevance_feedback(
    index: ChunkIndex,
    fused: list[Fused],
    weights: Mapping[Arm, float],
    config: RelevanceFeedbackConfig,
    method: Literal["weighted", "rrf"] = "weighted",
) -> list[Fused]:
    """Returns the candidates in their new order, best first; `relevance_feedback` is their score.

    It is `config.weight` of how much a candidate resembles the first `config.passages`, by vectors
    and by words, fused as the searches were; and `fusion` for the rest. Only the first
    `config.candidates` are compared: the others have `fusion`'s share alone, and stay behind.

    Args:
        index: knows how alike passages are.
        fused: the candidates, best first.
        weights: of resemblance by vectors and by words.
        config: how much feedback there is; with a weight of 0.0, `fused` is returned as it is.
        method: see `fuse`.

    Raises:
        StoreUnavailable: the index cannot be reached.
    """
    if not config.weight or len(fused) < _FEWEST:
        return fused
    head = [one.id for one in fused[: config.candidates]]
    alike = index.alike(head[: config.passages], head)
    rankings = [Ranking(arm, alike[arm], weight) for arm, weight in weights.items() if weight]
    resembles = {one.id.int: one.scores["fusion"] for one in fuse(rankings, method)}
    share = config.weight

    def score(one: Fused) -> float:
        return (1.0 - share) * one.scores["fusion"] + share * resembles.get(one.id.int, 0.0)

    again = [Fused(one.id, {**one.scores, SCORE: score(one)}) for one in fused]
    return sorted(again, key=lambda one: -one.scores[SCORE])
