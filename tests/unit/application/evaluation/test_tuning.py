from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from llm_engineering.application.evaluation.config import EvaluationConfig
from llm_engineering.application.evaluation.tuning import (
    Setting,
    TuneConfig,
    search,
    with_values,
)
from llm_engineering.application.rag.config import RagConfig
from llm_engineering.settings import load_config

DEFAULT = Setting(chunk_tokens=220, candidates=50, dense_weight=0.5, rerank=True)
CONFIG = TuneConfig()


def quality(setting: Setting) -> float:
    """Best at 200 candidates, weight .6 and without reranking; the chunk size is indifferent."""
    return (
        setting.candidates / 1000 - abs(setting.dense_weight - 0.6) + (0 if setting.rerank else 0.1)
    )


def test_every_setting_is_chosen_in_turn() -> None:
    best, measured = search(DEFAULT, CONFIG, quality)
    assert best == Setting(220, 200, 0.6, False)
    assert len(measured) == 1 + 1 + 2 + 4 + 1


def test_equal_values_keep_the_default() -> None:
    best, _ = search(DEFAULT, CONFIG, lambda _: 0.5)
    assert best == DEFAULT


def test_nothing_is_measured_twice() -> None:
    seen: list[Setting] = []

    def measure(setting: Setting) -> float:
        seen.append(setting)
        return quality(setting)

    search(DEFAULT, CONFIG, measure)
    assert len(seen) == len(set(seen))


def test_a_setting_is_applied_to_the_configuration() -> None:
    setting = replace(DEFAULT, candidates=80, dense_weight=0.7, rerank=False)
    config = setting.applied(RagConfig(k=9))
    assert (config.k, config.candidates, config.dense_weight) == (9, 80, 0.7)
    assert not config.rerank.enabled
    assert Setting.of(config, 220) == setting


FILE = """# How a question finds its passages.
k: 4                        # passages
candidates: 50              # of each search
dense_weight: 0.5           # share
rerank:
  enabled: true             # where one can be loaded
  candidates: 20
self_query:
  enabled: true
"""


def test_values_are_replaced_and_comments_stay_in_their_column() -> None:
    values = {"candidates": "200", "dense_weight": "0.65", "rerank.enabled": "false"}
    text = with_values(FILE, values, ["evidence one", "evidence two"])
    assert text.splitlines()[:3] == [
        "# tuned: evidence one",
        "# tuned: evidence two",
        FILE.splitlines()[0],
    ]
    assert "candidates: 200             # of each search" in text
    assert "dense_weight: 0.65          # share" in text
    loaded = yaml.safe_load(text)
    assert loaded["rerank"] == {"enabled": False, "candidates": 20}
    assert loaded["self_query"] == {"enabled": True}
    assert loaded["k"] == 4


def test_the_evidence_of_an_earlier_tuning_is_replaced() -> None:
    once = with_values(FILE, {"candidates": "100"}, ["first"])
    twice = with_values(once, {"candidates": "50"}, ["second"])
    assert twice == "# tuned: second\n" + FILE


def test_a_file_without_the_keys_gets_them() -> None:
    text = with_values("", {"candidates": "100", "rerank.enabled": "false"}, [])
    assert yaml.safe_load(text) == {"candidates": 100, "rerank": {"enabled": False}}


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("rerank:\n  candidates: 20\n", {"candidates": 20}),
        ("rerank:\n    candidates: 20\nk: 4\n", {"candidates": 20}),
        ("rerank:   # of pairs\n  # how many\n  candidates: 20\n", {"candidates": 20}),
        ("rerank: {candidates: 20}   # of pairs\n", {"candidates": 20}),
        ("rerank: {enabled: true, candidates: 20}\n", {"candidates": 20}),
        ("rerank: {candidates: 20, enabled: true}   # {as ever}\n", {"candidates": 20}),
        ("rerank: {}\n", {}),
        ("rerank:\n", {}),
        ("reranking: 1\n", {}),
        ("k: 4\nself_query:\n  enabled: true\n", {}),
    ],
)
def test_a_block_keeps_what_else_it_says(text: str, others: dict[str, int]) -> None:
    written = with_values(text, {"rerank.enabled": "false"}, [])
    loaded = yaml.safe_load(written)
    assert loaded["rerank"] == {"enabled": False, **others}
    assert written.count("rerank:") == 1
    before = yaml.safe_load(text)
    assert {**loaded, "rerank": None} == {**before, "rerank": None}


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_however_the_file_ends_what_is_added_is_a_line_of_its_own(end: str) -> None:
    loaded = yaml.safe_load(with_values(f"k: 4{end}", {"candidates": "50"}, ["why"]))
    assert loaded == {"k": 4, "candidates": 50}


def test_writing_the_same_values_again_changes_nothing() -> None:
    values = {"candidates": "200", "dense_weight": "0.65", "rerank.enabled": "false", "x.y": "1"}
    once = with_values(FILE, values, ["evidence"])
    assert with_values(once, values, ["evidence"]) == once


def test_a_value_of_the_same_name_in_another_block_is_left_alone() -> None:
    text = with_values(FILE, {"candidates": "200"}, [])
    assert yaml.safe_load(text)["rerank"]["candidates"] == 20


def test_the_shipped_configuration_is_the_default() -> None:
    shipped = load_config(Path(__file__).parents[4] / "configs/evaluation.yaml", EvaluationConfig)
    assert shipped == EvaluationConfig()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_split_has_two_parts(share: float) -> None:
    with pytest.raises(ValueError, match="development_share"):
        TuneConfig(development_share=share)
