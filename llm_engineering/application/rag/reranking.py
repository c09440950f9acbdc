"""Reranking: a model that reads question and passage together has the last word on the order."""

from collections.abc import Sequence

from llm_engineering.application.ports.models import PairScorer
from llm_engineering.application.rag.config import RerankConfig
from llm_engineering.application.rag.fusion import scaled
from llm_engineering.domain.queries import ScoredChunk


class Reranker:
    """Orders the first passages of a ranking anew.

    `name` says for people which scorer does it; by default it is the scorer's fingerprint.
    """

    def __init__(self, scorer: PairScorer, config: RerankConfig, name: str | None = None) -> None:
        self._scorer = scorer
        self._config = config
        self.name = name or scorer.fingerprint

    def warm_up(self) -> None:
        """Loads the scorer. Raises what `rerank` raises."""
        self._scorer.score("warm up", ["warm up"])

    def rerank(self, question: str, ranking: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        """Returns the ranking in its new order, with the scores `pair` and `rerank`.

        `pair` is the scorer's own; `rerank` (0.0-1.0) the weighted mean of it and of the score so
        far, both scaled to 0.0-1.0. Passages that are not read keep their order after the others;
        their `rerank` is below 0.0.

        Raises:
            ModelError: the scorer could not be loaded or run.
        """
        head, tail = ranking[: self._config.candidates], ranking[self._config.candidates :]
        pairs = self._scorer.score(question, [found.chunk.passage for found in head])
        first = scaled([found.score for found in head])
        weight = self._config.first_stage_weight
        read = [
            _scored(found, pair=pair, rerank=weight * before + (1.0 - weight) * now)
            for found, pair, before, now in zip(head, pairs, first, scaled(pairs), strict=True)
        ]
        unread = [_scored(found, rerank=-float(place)) for place, found in enumerate(tail, start=1)]
        return sorted(read, key=lambda found: -found.score) + unread


def _scored(found: ScoredChunk, **scores: float) -> ScoredChunk:
    return found.model_copy(update={"scores": {**found.scores, **scores}})
