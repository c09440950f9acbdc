"""The cross-encoder on a tiny BERT, beside the same arithmetic written out in numpy."""

import math
from pathlib import Path

import pytest

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.encoders.openvino_cross_encoder import OpenVINOCrossEncoder
from tests.unit.infrastructure.encoders.bert_equations import logit
from tests.unit.infrastructure.encoders.bert_making import (
    WORDS,
    make_classifier_weights,
    make_cross_encoder,
)

PASSAGES = ["green grass .", "red", "", "blue sky . red"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cross_encoder(tmp_path_factory.mktemp("pairs"))


def expected(query: str, passage: str) -> float:
    first = [2, *(WORDS.index(word) for word in query.split()), 3]
    second = [*(WORDS.index(word) for word in passage.split()), 3]
    segments = [0] * len(first) + [1] * len(second)
    return logit(make_classifier_weights(), first + second, segments)


def test_scores_are_those_of_the_equations(folder: Path) -> None:
    scores = OpenVINOCrossEncoder(folder).score("red sky", PASSAGES)
    assert scores == pytest.approx([expected("red sky", p) for p in PASSAGES], abs=4e-2)
    assert len({round(score, 1) for score in scores}) > 1


def test_without_a_named_activation_scores_are_between_0_and_1(tmp_path: Path) -> None:
    folder = make_cross_encoder(tmp_path / "pairs", sentence_transformers=None)
    scores = OpenVINOCrossEncoder(folder).score("red sky", PASSAGES)
    sigmoids = [1 / (1 + math.exp(-expected("red sky", passage))) for passage in PASSAGES]
    assert scores == pytest.approx(sigmoids, abs=1e-2)


def test_order_is_kept_over_batches(folder: Path) -> None:
    scorer = OpenVINOCrossEncoder(folder)
    scores = scorer.score("red", [PASSAGES[number % 4] for number in range(50)])
    for number, score in enumerate(scores):
        assert score == pytest.approx(expected("red", PASSAGES[number % 4]), abs=4e-2)


def test_the_longer_text_of_a_pair_is_shortened(folder: Path) -> None:
    scorer = OpenVINOCrossEncoder(folder)
    longest = "green " * 15  # with the question and three marks as many tokens as BERT has places
    assert scorer.score("red sky", [longest]) == scorer.score("red sky", [longest + "blue " * 9])


def test_the_fingerprint_names_the_weights_not_the_place(folder: Path, tmp_path: Path) -> None:
    same = OpenVINOCrossEncoder(make_cross_encoder(tmp_path / "same")).fingerprint
    other = OpenVINOCrossEncoder(make_cross_encoder(tmp_path / "other", layer_norm_eps=1e-5))
    assert OpenVINOCrossEncoder(folder).fingerprint == same != other.fingerprint


def test_it_says_where_it_runs(folder: Path) -> None:
    assert OpenVINOCrossEncoder(folder).runtime in ("OpenVINO bf16", "OpenVINO f32")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"id2label": {"0": "no", "1": "yes"}}, "2 labels; a reranker has one"),
        ({"id2label": None}, "2 labels"),
        ({"architectures": ["BertModel"]}, "not a BertForSequenceClassification"),
        ({"model_type": "roberta"}, "model_type is 'roberta'"),
        ({"sentence_transformers": {"activation_fn": "torch.nn.Softmax"}}, "activation torch.nn"),
    ],
)
def test_what_is_no_reranker_is_refused(
    tmp_path: Path, config: dict[str, object], message: str
) -> None:
    scorer = OpenVINOCrossEncoder(make_cross_encoder(tmp_path / "odd", **config))
    with pytest.raises(ModelError, match=message):
        scorer.score("red", ["sky"])


def test_a_missing_head_is_named(tmp_path: Path) -> None:
    folder = make_cross_encoder(tmp_path / "headless", num_hidden_layers=3)
    with pytest.raises(ModelError, match=r"weight encoder\.layer\.2"):
        OpenVINOCrossEncoder(folder).score("red", ["sky"])
