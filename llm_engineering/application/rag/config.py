"""How a question finds its passages: the values of `configs/rag.yaml`."""

import math
from typing import Literal

from pydantic import Field

from llm_engineering.domain.types import Frozen

# chosen on questions of 1 to 70 words over documentation: docs/benchmarks.md
_LONG = 8
_LEAST_OF_DENSE = 0.35


class RerankConfig(Frozen):
    """Reranking: a pair scorer reads the first `candidates` passages.

    The final score is `first_stage_weight` of the fused score and, for the rest, the scorer's.
    """

    enabled: bool = True
    candidates: int = Field(default=20, ge=1, le=1000)
    first_stage_weight: float = Field(default=0.5, ge=0.0, le=1.0)


class SelfQueryConfig(Frozen):
    """Reading filters out of the question; `llm` has the chat model read what rules could not."""

    enabled: bool = True
    llm: bool = False


class RelevanceFeedbackConfig(Frozen):
    """Relevance feedback: the first `candidates` are compared with the first `passages` of them.

    Resemblance makes `weight` of the score; 0.0: none.
    """

    weight: float = Field(default=0.2, ge=0.0, le=1.0)
    passages: int = Field(default=3, ge=1, le=100)
    candidates: int = Field(default=30, ge=1, le=1000)


class RagConfig(Frozen):
    """`configs/rag.yaml`.

    `k` passages are returned out of `candidates` of each search. `dense_weight` is the share of
    the search by meaning: at 0.0 nothing is embedded, at 1.0 words are not searched for. Long
    questions get less of it: see `share_of_dense`.
    `per_source_cap` passages of one document come before others get their turn (0: no cap).
    `expansion` is the number of rephrasings that are searched for besides the question.
    `deadline_s` covers the whole flow. The chat model reads at most `context_tokens` of passages.
    """

    k: int = Field(default=4, ge=1, le=1000)
    candidates: int = Field(default=100, ge=1, le=1000)
    fusion: Literal["weighted", "rrf"] = "weighted"
    dense_weight: float = Field(default=0.6, ge=0.0, le=1.0)
    long_question_discount: float = Field(default=0.07, ge=0.0, le=1.0)
    relevance_feedback: RelevanceFeedbackConfig = RelevanceFeedbackConfig()
    per_source_cap: int = Field(default=3, ge=0, le=1000)
    deadline_s: float = Field(default=15.0, gt=0.0, le=600.0)
    context_tokens: int = Field(default=3000, ge=256, le=1_000_000)
    rerank: RerankConfig = RerankConfig()
    self_query: SelfQueryConfig = SelfQueryConfig()
    expansion: int = Field(default=0, ge=0, le=8)

    def share_of_dense(self, words: float) -> float:
        """Returns the weight of the search by meaning for a question of so many words.

        Short questions seldom have the words of their answer; long ones have many, and their
        vector blurs. So `dense_weight` falls by `long_question_discount` each time the words (stop
        words left out) double beyond 8, down to 0.35. 0.0 and 1.0 stay: one search alone.
        """
        if self.dense_weight in (0.0, 1.0):
            return self.dense_weight
        doublings = math.log2(max(words, _LONG) / _LONG)
        least = min(self.dense_weight, _LEAST_OF_DENSE)
        return max(least, self.dense_weight - self.long_question_discount * doublings)
