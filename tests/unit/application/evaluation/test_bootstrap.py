import random
from statistics import fmean, stdev

import pytest

from llm_engineering.application.evaluation.bootstrap import Bootstrap


def drawn(size: int, mean: float = 0.5, seed: int = 5) -> list[float]:
    drawing = random.Random(seed)  # noqa: S311 - figures for a test
    return [drawing.gauss(mean, 0.2) for _ in range(size)]


def test_the_interval_is_that_of_the_normal_distribution_for_many_questions() -> None:
    values = drawn(400)
    interval = Bootstrap(400, seed=1, resamples=2000).interval(values)
    error = stdev(values) / 400**0.5
    assert interval.mean == pytest.approx(fmean(values))
    assert interval.low == pytest.approx(fmean(values) - 1.96 * error, abs=0.2 * error)
    assert interval.high == pytest.approx(fmean(values) + 1.96 * error, abs=0.2 * error)


def test_differences_are_paired() -> None:
    bootstrap = Bootstrap(50, seed=1, resamples=500)
    values = drawn(50)
    gain = bootstrap.difference([value + 0.01 for value in values], values)
    assert gain.low == pytest.approx(0.01)
    assert gain.high == pytest.approx(0.01)


def test_the_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    values = drawn(40)
    first, again, other = (Bootstrap(40, seed, 300).interval(values) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_no_difference_in_truth_is_rarely_called_one() -> None:
    false_alarms = 0
    for seed in range(40):
        one, other = drawn(60, seed=seed), drawn(60, seed=seed + 1000)
        gain = Bootstrap(60, seed, 300).difference(one, other)
        false_alarms += gain.low > 0 or gain.high < 0
    assert false_alarms <= 7  # 2 are expected; 8 or more have a probability below 0.001


def test_no_questions_have_no_interval_and_a_wrong_number_is_refused() -> None:
    assert Bootstrap(0, 1, 100).interval([]).mean == 0.0
    with pytest.raises(ValueError, match="2 values for 3 questions"):
        Bootstrap(3, 1, 100).interval([0.1, 0.2])
