"""What every PairScorer promises: stand-ins and real ones alike."""

import math
from pathlib import Path

import pytest

from llm_engineering.application.ports.models import PairScorer
from llm_engineering.infrastructure.encoders.late_interaction import LateInteractionScorer
from llm_engineering.infrastructure.encoders.openvino_cross_encoder import OpenVINOCrossEncoder
from llm_engineering.infrastructure.encoders.openvino_embedding import OpenVINOEmbeddingModel
from llm_engineering.infrastructure.encoders.torch_models import TorchCrossEncoder
from llm_engineering.infrastructure.in_memory.encoders import WordOverlapScorer
from tests.unit.infrastructure.encoders.bert_making import make_cross_encoder, make_folder

PASSAGES = [
    "green grass",
    "red sky",
    "",
    "blue sky . red sky",
    "\u65e5\u672c \U0001f642",
    "red " * 500,
]


@pytest.fixture(params=["word-overlap", "openvino", "torch", "late-interaction"])
def scorer(request: pytest.FixtureRequest, tmp_path: Path) -> PairScorer:
    if request.param == "openvino":
        return OpenVINOCrossEncoder(make_cross_encoder(tmp_path / "pairs"))
    if request.param == "torch":
        pytest.importorskip("sentence_transformers")
        return TorchCrossEncoder(make_cross_encoder(tmp_path / "pairs"))
    if request.param == "late-interaction":
        return LateInteractionScorer(OpenVINOEmbeddingModel(make_folder(tmp_path / "bert")))
    return WordOverlapScorer()


@pytest.mark.parametrize("query", ["red sky", "", "\u65e5\u672c", "red " * 500])
def test_every_passage_gets_a_finite_score_in_order(scorer: PairScorer, query: str) -> None:
    scores = scorer.score(query, PASSAGES)
    assert [type(score) for score in scores] == [float] * len(PASSAGES)
    assert all(math.isfinite(score) for score in scores)
    assert scorer.score(query, PASSAGES[::-1]) == pytest.approx(scores[::-1], abs=2e-2)


def test_a_passage_that_says_it_scores_higher(scorer: PairScorer) -> None:
    if isinstance(scorer, OpenVINOCrossEncoder | TorchCrossEncoder):
        pytest.skip("its weights are random; one that is trained is tested by itself")
    right, wrong = scorer.score("red sky", ["red sky", "green grass"])
    assert right > wrong


def test_nothing_in_nothing_out(scorer: PairScorer) -> None:
    assert list(scorer.score("red sky", [])) == []


def test_the_fingerprint_is_short_and_stable(scorer: PairScorer) -> None:
    before = scorer.fingerprint
    assert len(before) == 12
    scorer.score("red", ["red"])
    assert scorer.fingerprint == before
