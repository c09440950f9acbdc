"""What every PairScorer promises: stand-ins and real ones alike."""

import math

import pytest

from llm_engineering.application.ports.models import PairScorer
from llm_engineering.infrastructure.in_memory.encoders import WordOverlapScorer

PASSAGES = [
    "green grass",
    "red sky",
    "",
    "blue sky . red sky",
    "\u65e5\u672c \U0001f642",
    "red " * 500,
]


@pytest.fixture(params=["word-overlap"])
def scorer(request: pytest.FixtureRequest) -> PairScorer:
    return WordOverlapScorer()


@pytest.mark.parametrize("query", ["red sky", "", "\u65e5\u672c", "red " * 500])
def test_every_passage_gets_a_finite_score_in_order(scorer: PairScorer, query: str) -> None:
    scores = scorer.score(query, PASSAGES)
    assert [type(score) for score in scores] == [float] * len(PASSAGES)
    assert all(math.isfinite(score) for score in scores)
    for passage, score in zip(PASSAGES, scores, strict=True):
        assert scorer.score(query, [passage])[0] == pytest.approx(score, abs=2e-2)


def test_a_passage_that_says_it_scores_higher(scorer: PairScorer) -> None:
    right, wrong = scorer.score("red sky", ["red sky", "green grass"])
    assert right > wrong


def test_nothing_in_nothing_out(scorer: PairScorer) -> None:
    assert list(scorer.score("red sky", [])) == []


def test_the_fingerprint_is_short_and_stable(scorer: PairScorer) -> None:
    before = scorer.fingerprint
    assert len(before) == 12
    scorer.score("red", ["red"])
    assert scorer.fingerprint == before
