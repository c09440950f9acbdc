"""How a question finds its passages: the values of `configs/rag.yaml`."""

from typing import Literal

from pydantic import Field

from llm_engineering.domain.types import Frozen


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


class RagConfig(Frozen):
    """`configs/rag.yaml`.

    `k` passages are returned out of `candidates` of each search. `dense_weight` is the share of
    the search by meaning: at 0.0 nothing is embedded, at 1.0 words are not searched for.
    `per_source_cap` passages of one document come before others get their turn (0: no cap).
    `expansion` is the number of rephrasings that are searched for besides the question.
    `deadline_s` covers the whole flow. The chat model reads at most `context_tokens` of passages.
    """

    k: int = Field(default=4, ge=1, le=1000)
    candidates: int = Field(default=100, ge=1, le=1000)
    fusion: Literal["weighted", "rrf"] = "weighted"
    dense_weight: float = Field(default=0.5, ge=0.0, le=1.0)
    per_source_cap: int = Field(default=3, ge=0, le=1000)
    deadline_s: float = Field(default=15.0, gt=0.0, le=600.0)
    context_tokens: int = Field(default=3000, ge=256, le=1_000_000)
    rerank: RerankConfig = RerankConfig()
    self_query: SelfQueryConfig = SelfQueryConfig()
    expansion: int = Field(default=0, ge=0, le=8)
