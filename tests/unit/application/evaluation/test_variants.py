import pytest

from llm_engineering.application.evaluation.variants import VARIANTS, Variant, variant_config
from llm_engineering.application.rag.config import (
    RagConfig,
    RelevanceFeedbackConfig,
    RerankConfig,
    SelfQueryConfig,
)

PRODUCTION = RagConfig(
    candidates=70,
    dense_weight=0.4,
    expansion=2,
    relevance_feedback=RelevanceFeedbackConfig(weight=0.3),
    rerank=RerankConfig(enabled=False, candidates=33),
    self_query=SelfQueryConfig(enabled=True, llm=True),
)


@pytest.mark.parametrize(
    ("variant", "weight", "rerank", "self_query", "expansion"),
    [
        ("bm25", 0.0, False, False, 0),
        ("dense", 1.0, False, False, 0),
        ("hybrid", 0.4, False, False, 0),
        ("hybrid+rerank", 0.4, True, False, 0),
        ("full", 0.4, False, True, 2),
    ],
)
def test_a_variant_is_a_part_of_the_configuration(
    variant: Variant, weight: float, rerank: bool, self_query: bool, expansion: int
) -> None:
    config = variant_config(variant, PRODUCTION)
    assert config.dense_weight == weight
    assert (config.rerank.enabled, config.rerank.candidates) == (rerank, 33)
    assert config.self_query.enabled is self_query
    assert config.expansion == expansion
    assert config.candidates == 70
    assert config.relevance_feedback.weight == (0.0 if variant in {"bm25", "dense"} else 0.3)


def test_the_last_variant_is_production() -> None:
    assert variant_config(VARIANTS[-1], PRODUCTION) == PRODUCTION
