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
    head, rest = fused[: config.candidates], fused[config.candidates :]
    ids = [one.id for one in head]
    alike = index.alike(ids[: config.passages], ids)
    rankings = [Ranking(arm, alike[arm], weight) for arm, weight in weights.items() if weight]
    resembles = {one.id.int: one.scores["fusion"] for one in fuse(rankings, method)}
    share, left = config.weight, 1.0 - config.weight
    again = [
        left * one.scores["fusion"] + share * resembles.get(one.id.int, 0.0) for one in head
    ] + [left * one.scores["fusion"] for one in rest]
    rescored = [
        Fused(one.id, {**one.scores, SCORE: score}) for one, score in zip(fused, again, strict=True)
    ]
    first = sorted(rescored[: len(head)], key=lambda one: one.scores[SCORE], reverse=True)
    return first + rescored[len(head) :]
