"""The metrics against hand-made figures and against trec_eval's own code (ir-measures)."""

import math
import random
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.evaluation.metrics import (
    METRICS,
    average_precision,
    ndcg,
    recall,
    reciprocal_rank,
    scores,
)

RANKING = ["a", "b", "c", "d"]
GRADES = {"b": 3, "d": 1, "x": 2, "c": 0, "a": -1}


def test_gains_are_discounted_by_the_logarithm_of_the_rank() -> None:
    gained = 3 / math.log2(3) + 1 / math.log2(5)
    best = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(RANKING, GRADES, 10) == pytest.approx(gained / best)


def test_the_cut_bounds_ranking_and_ideal() -> None:
    assert ndcg(RANKING, GRADES, 2) == pytest.approx(
        (3 / math.log2(3)) / (3 / math.log2(2) + 2 / math.log2(3))
    )
    assert recall(RANKING, GRADES, 2) == pytest.approx(1 / 3)
    assert reciprocal_rank(RANKING, GRADES, 1) == 0.0


def test_the_first_relevant_one_gives_the_reciprocal_rank() -> None:
    assert reciprocal_rank(RANKING, GRADES, 10) == 0.5


def test_average_precision_counts_what_was_not_found() -> None:
    assert average_precision(RANKING, GRADES) == pytest.approx((1 / 2 + 2 / 4) / 3)


def test_nothing_found_and_nothing_to_find_are_zero() -> None:
    assert set(scores([], GRADES).values()) == {0.0}
    assert set(scores(RANKING, {"a": 0}).values()) == {0.0}


@given(
    st.permutations(list("abcdefgh")),
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-1, 4)),
)
def test_every_figure_is_a_share_and_the_ideal_order_is_perfect(
    ranking: list[str], grades: dict[str, int]
) -> None:
    assert all(0.0 <= value <= 1.0 + 1e-12 for value in scores(ranking, grades).values())
    if any(grade > 0 for grade in grades.values()):
        ideal = sorted(ranking, key=lambda one: -grades.get(one, 0))
        assert list(scores(ideal, grades).values()) == pytest.approx([1.0] * len(METRICS))


def test_random_rankings_score_as_trec_eval_has_them() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ir_measures = pytest.importorskip("ir_measures")
    seed = 20_26
    drawing = random.Random(seed)  # noqa: S311 - figures for a test
    names = [f"d{number}" for number in range(200)]
    qrels, run, ours = [], [], []
    for number in range(30):
        judged = {one: drawing.choice([0, 1, 1, 2, 4]) for one in drawing.sample(names, 20)}
        judged[names[number]] = 1
        ranking = drawing.sample(names, drawing.choice([5, 60, 150]))
        ours.append(scores(ranking, judged))
        qrels += [ir_measures.Qrel(str(number), one, grade) for one, grade in judged.items()]
        run += [
            ir_measures.ScoredDoc(str(number), one, float(-rank))
            for rank, one in enumerate(ranking)
        ]
    measures = dict(
        zip(
            METRICS,
            map(ir_measures.parse_measure, ("nDCG@10", "RR@10", "R@10", "R@100", "AP")),
            strict=True,
        )
    )
    theirs = ir_measures.calc_aggregate(measures.values(), qrels, run)
    for name, measure in measures.items():
        mean = sum(one[name] for one in ours) / len(ours)
        assert mean == pytest.approx(theirs[measure], abs=1e-9), f"{name}, seed {seed}"


LOG3, LOG5 = math.log2(3), math.log2(5)


@pytest.mark.parametrize(
    ("ranking", "grades", "expected"),
    [
        # nDCG@10, MRR@10, Recall@10, Recall@100, MAP, each worked out by hand
        (["a"], {"a": 1}, (1.0, 1.0, 1.0, 1.0, 1.0)),
        (["b", "a"], {"a": 1}, (1 / LOG3, 0.5, 1.0, 1.0, 0.5)),
        (["b", "c", "a"], {"a": 3}, (0.5, 1 / 3, 1.0, 1.0, 1 / 3)),
        (["a", "x", "b"], {"a": 1, "b": 1}, (1.5 / (1 + 1 / LOG3), 1.0, 1.0, 1.0, 5 / 6)),
        (["b", "a"], {"a": 2, "b": 1}, ((1 + 2 / LOG3) / (2 + 1 / LOG3), 1.0, 1.0, 1.0, 1.0)),
        (["x", "y"], {"a": 1}, (0.0, 0.0, 0.0, 0.0, 0.0)),
        ([], {"a": 1}, (0.0, 0.0, 0.0, 0.0, 0.0)),
        (["a"], {}, (0.0, 0.0, 0.0, 0.0, 0.0)),
        (["a"], {"a": -1, "b": 0}, (0.0, 0.0, 0.0, 0.0, 0.0)),
        ([f"x{n}" for n in range(10)] + ["a"], {"a": 1}, (0, 0, 0, 1.0, 1 / 11)),
        ([f"x{n}" for n in range(9)] + ["a"], {"a": 1}, (1 / math.log2(11), 0.1, 1.0, 1.0, 0.1)),
        ([f"x{n}" for n in range(100)] + ["a"], {"a": 1}, (0, 0, 0, 0, 1 / 101)),
        (["größe", "🚢"], {"🚢": 1}, (1 / LOG3, 0.5, 1.0, 1.0, 0.5)),
    ],
)
def test_figures_worked_out_by_hand(
    ranking: list[str], grades: dict[str, int], expected: tuple[float, ...]
) -> None:
    assert tuple(scores(ranking, grades).values()) == pytest.approx(expected)


def test_more_relevant_ones_than_the_cut_can_still_be_perfect() -> None:
    names = [f"d{n}" for n in range(20)]
    found = scores(names, dict.fromkeys(names, 2))
    assert found["nDCG@10"] == pytest.approx(1.0)
    assert found["Recall@10"] == 0.5


@given(st.permutations(list("abcdef")), st.integers(0, 5), st.integers(1, 3))
def test_moving_a_relevant_one_up_never_costs(ranking: list[str], place: int, grade: int) -> None:
    grades = {ranking[place]: grade, "f": 1}
    up = [ranking[place], *(one for one in ranking if one != ranking[place])]
    before, after = scores(ranking, grades), scores(up, grades)
    assert all(after[name] >= before[name] - 1e-12 for name in METRICS)


@given(st.permutations(list("abcd")), st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3)))
def test_what_is_judged_irrelevant_counts_as_what_is_not_judged(
    ranking: list[str], grades: dict[str, int]
) -> None:
    zeros = {one: 0 for one in "abcdxyz" if one not in grades}
    assert scores(ranking, grades) == scores(ranking, {**zeros, **grades})
