from pathlib import Path
from typing import Any

import pytest

from llm_engineering.application.rag.config import RagConfig
from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.settings import load_config

SHIPPED = Path(__file__).parents[4] / "configs" / "rag.yaml"


def test_the_shipped_file_shows_the_defaults_and_every_key() -> None:
    shipped = load_config(SHIPPED, RagConfig)
    assert shipped == RagConfig()
    assert shipped.model_dump(exclude_unset=True) == RagConfig().model_dump()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("kk: 4", "unknown key 'kk'"),
        ("k: 0", "k: "),
        ("candidates: 1001", "candidates: "),
        ("fusion: best", "fusion: "),
        ("dense_weight: 1.5", "dense_weight: "),
        ("long_question_discount: 2", "long_question_discount: "),
        ("relevance_feedback: {weight: 1.1}", "relevance_feedback.weight: "),
        ("relevance_feedback: {passages: 0}", "relevance_feedback.passages: "),
        ("relevance_feedback: {candidates: 1001}", "relevance_feedback.candidates: "),
        ("per_source_cap: -1", "per_source_cap: "),
        ("deadline_s: 0", "deadline_s: "),
        ("rerank: {candidates: 0}", "rerank.candidates: "),
        ("rerank: {weight: 0.5}", "unknown key 'rerank.weight'"),
        ("self_query: {llm: perhaps}", "self_query.llm: "),
        ("expansion: 9", "expansion: "),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "rag.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        load_config(file, RagConfig)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("fields", [{"dense_weight": 0.0}, {"dense_weight": 1.0}, {"k": 1000}])
def test_the_bounds_themselves_are_allowed(fields: dict[str, Any]) -> None:
    assert RagConfig(**fields).model_dump(include=set(fields)) == fields


@pytest.mark.parametrize(
    ("words", "share"),
    [(0, 0.6), (1, 0.6), (8, 0.6), (16, 0.53), (32, 0.46), (11.3137085, 0.565), (4096, 0.35)],
)
def test_long_questions_are_searched_for_less_by_meaning(words: float, share: float) -> None:
    assert RagConfig().share_of_dense(words) == pytest.approx(share)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_one_search_alone_stays_alone_however_long_the_question(weight: float) -> None:
    assert RagConfig(dense_weight=weight).share_of_dense(1000) == weight


def test_a_share_below_the_least_is_not_raised() -> None:
    assert RagConfig(dense_weight=0.2).share_of_dense(1000) == 0.2
    assert RagConfig(dense_weight=0.6, long_question_discount=0.0).share_of_dense(1000) == 0.6
