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


def test_one_question_is_its_own_interval() -> None:
    interval = Bootstrap(1, seed=3, resamples=100).interval([0.25])
    assert (interval.mean, interval.low, interval.high) == (0.25, 0.25, 0.25)


def test_no_questions_have_no_width_either() -> None:
    interval = Bootstrap(0, 1, 100).interval([])
    assert (interval.mean, interval.low, interval.high) == (0.0, 0.0, 0.0)


def test_the_interval_has_the_percentiles_of_the_drawn_means() -> None:
    """Two questions, 0 and 1: a drawn mean is 0, 1/2 or 1, and a quarter of them are 0."""
    interval = Bootstrap(2, seed=1, resamples=1000).interval([0.0, 1.0])
    assert (interval.mean, interval.low, interval.high) == (0.5, 0.0, 1.0)


def test_the_ends_are_those_of_95_percent() -> None:
    """Of one draw out of a thousand questions each, the 25th and the 975th mean of 1000."""
    size, values = 400, [float(n % 2) for n in range(400)]
    interval = Bootstrap(size, seed=9, resamples=1000).interval(values)
    spread = 0.5 / size**0.5
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * spread, rel=0.12)


def test_unlike_numbers_of_values_are_no_pairs() -> None:
    with pytest.raises(ValueError, match="zip"):
        Bootstrap(2, 1, 100).difference([0.1, 0.2], [0.1])
    with pytest.raises(ValueError, match="1 values for 2 questions"):
        Bootstrap(2, 1, 100).difference([0.1], [0.1])
