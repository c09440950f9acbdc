import math
from collections.abc import Sequence

import numpy as np
import pytest

from llm_engineering.infrastructure.encoders.batching import Ids, Matrix
from llm_engineering.infrastructure.encoders.late_interaction import LateInteractionScorer


class LetterVectors:
    """Every letter is a direction of its own, but A and a are 60 degrees apart."""

    fingerprint = "letters"

    def query_tokens(self, text: str) -> tuple[Ids, Matrix]:
        ids = np.asarray([ord(letter) for letter in text], np.int64)
        vectors = np.zeros((len(text), 256), np.float32)
        for row, letter in enumerate(text):
            vectors[row, ord(letter)] = 1.0
            if letter == "A":
                vectors[row, [ord("A"), ord("a")]] = np.sqrt(0.75), 0.5
        return ids, vectors

    def passage_tokens(self, texts: Sequence[str]) -> Sequence[tuple[Ids, Matrix]]:
        return [self.query_tokens(text) for text in texts]


def scores(query: str, *passages: str) -> list[float]:
    return list(LateInteractionScorer(LetterVectors()).score(query, passages))


@pytest.mark.parametrize(
    ("query", "passage", "score"),
    [("ab", "xxbax", 1.0), ("ab", "xyz", 0.0), ("A", "a", 0.5), ("a", "aaaaaaa", 1.0)],
)
def test_each_token_of_the_question_counts_its_best_match(
    query: str, passage: str, score: float
) -> None:
    assert scores(query, passage) == [pytest.approx(score)]


def test_a_token_counts_the_more_the_fewer_passages_have_it() -> None:
    # of three passages two have a (weight ln 1.6), one has b (weight ln 8/3)
    a, b = math.log(1 + 1.5 / 2.5), math.log(1 + 2.5 / 1.5)
    assert scores("ab", "a", "b", "ax") == pytest.approx([a / (a + b), b / (a + b), a / (a + b)])


@pytest.mark.parametrize(("query", "passages"), [("", ["a", ""]), ("a", ["", ""])])
def test_nothing_matches_nothing(query: str, passages: list[str]) -> None:
    assert scores(query, *passages) == [0.0, 0.0]


def test_the_fingerprint_is_not_the_embedders() -> None:
    assert LateInteractionScorer(LetterVectors()).fingerprint != "letters"
