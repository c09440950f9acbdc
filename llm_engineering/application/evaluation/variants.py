"""Ways of searching that are compared with each other: production's configuration, in parts."""

from typing import Literal

from llm_engineering.application.rag.config import RagConfig

Variant = Literal["bm25", "dense", "hybrid", "hybrid+rerank", "full"]
VARIANTS: tuple[Variant, ...] = ("bm25", "dense", "hybrid", "hybrid+rerank", "full")


def variant_config(variant: Variant, config: RagConfig) -> RagConfig:
    """Returns the configuration of a variant.

    bm25, dense: one search alone, without relevance feedback. hybrid: both, fused, with it.
    hybrid+rerank: and reranked, whatever the configuration says of it. full: the configuration
    as it is.
    """
    if variant == "full":
        return config
    weight = {"bm25": 0.0, "dense": 1.0}.get(variant, config.dense_weight)
    rerank = config.rerank.model_copy(update={"enabled": variant == "hybrid+rerank"})
    alone = weight in (0.0, 1.0)
    feedback = config.relevance_feedback.model_copy(update={"weight": 0.0} if alone else {})
    self_query = config.self_query.model_copy(update={"enabled": False})
    return config.model_copy(
        update={
            "dense_weight": weight,
            "relevance_feedback": feedback,
            "rerank": rerank,
            "self_query": self_query,
            "expansion": 0,
        }
    )
