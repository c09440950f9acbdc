"""Late interaction: every token of the question looks for its best match in the passage.

The score is MaxSim of Khattab & Zaharia 2020, ColBERT (https://arxiv.org/abs/2004.12832), on the
token vectors of the embedder that is loaded anyway. That one was not trained for it, so its special
tokens are left out and its tokens weighted; fused with the first stage's scores (0.3 to 0.7) it
ordered better than that stage alone on both collections it was measured on (docs/benchmarks.md).
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from llm_engineering.domain.ids import fingerprint
from llm_engineering.infrastructure.encoders.batching import Ids, Matrix


class TokenVectors(Protocol):
    """An embedder that also gives the vectors of single tokens, of unit length."""

    @property
    def fingerprint(self) -> str:
        """Names the weights."""
        ...

    def query_tokens(self, text: str) -> tuple[Ids, Matrix]:
        """Returns the tokens of a question, [S], and their vectors, special tokens left out."""
        ...

    def passage_tokens(self, texts: Sequence[str]) -> Sequence[tuple[Ids, Matrix]]:
        """Returns the same for each passage."""
        ...


class LateInteractionScorer:
    """Mean over the question's tokens of the best cosine in the passage; implements PairScorer.

    A token counts the more, the fewer of the passages have it: its inverse document frequency
    among them, as BM25 has it. So scores compare passages of one call with each other.
    """

    def __init__(self, embedder: TokenVectors) -> None:
        self._embedder = embedder

    @property
    def fingerprint(self) -> str:
        """Names the embedder and the rule."""
        return fingerprint("late-interaction-1", self._embedder.fingerprint)

    def score(self, query: str, passages: Sequence[str]) -> Sequence[float]:
        """Returns -1.0 to 1.0 for each passage, in order.

        Raises:
            ModelError: the embedder could not be loaded or run.
        """
        ids, asked = self._embedder.query_tokens(query)
        found = self._embedder.passage_tokens(passages)
        weights = _rarity(ids, [tokens for tokens, _ in found])
        return [_weighted_max_sim(asked, vectors, weights) for _, vectors in found]


def _weighted_max_sim(asked: Matrix, vectors: Matrix, weights: Matrix) -> float:
    if not len(asked) or not len(vectors):
        return 0.0
    best = (asked @ vectors.T).max(axis=1)
    return float((best * weights).sum() / weights.sum())


def _rarity(ids: Ids, passages: Sequence[Ids]) -> Matrix:
    """Returns the inverse document frequency of each token among the passages, above 0.0."""
    have = np.zeros(len(ids), np.float32)
    for tokens in passages:
        have += np.isin(ids, tokens)
    rarity: Matrix = np.log1p((len(passages) - have + 0.5) / (have + 0.5))
    return rarity
