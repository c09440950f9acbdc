"""Intervals for means over questions, by resampling the questions."""

import random
from array import array
from collections.abc import Sequence
from functools import cached_property
from statistics import fmean

from llm_engineering.domain.evaluation import Interval

_LOW, _HIGH = 0.025, 0.975


class Bootstrap:
    """Draws the same questions for every call, so that differences are paired.

    Percentile method with 95 % (Efron & Tibshirani 1993, ch. 13; for retrieval: Sakai 2006).

    Args:
        size: how many questions there are.
        seed: of the drawing.
        resamples: how often they are drawn.
    """

    def __init__(self, size: int, seed: int, resamples: int) -> None:
        self._size = size
        self._seed = seed
        self._resamples = resamples

    def interval(self, values: Sequence[float]) -> Interval:
        """Returns the mean of one value a question, and its interval.

        Raises:
            ValueError: there are not as many values as questions.
        """
        if len(values) != self._size:
            raise ValueError(f"{len(values)} values for {self._size} questions")
        if not values:
            return Interval(mean=0.0, low=0.0, high=0.0)
        means = sorted(fmean(map(values.__getitem__, drawn)) for drawn in self._draws)
        last = len(means) - 1
        return Interval(
            mean=fmean(values), low=means[round(_LOW * last)], high=means[round(_HIGH * last)]
        )

    def difference(self, values: Sequence[float], baseline: Sequence[float]) -> Interval:
        """Returns by how much the mean of `values` is above that of `baseline`."""
        pairs = zip(values, baseline, strict=True)
        return self.interval([value - other for value, other in pairs])

    @cached_property
    def _draws(self) -> "Sequence[array[int]]":
        drawing = random.Random(self._seed)  # noqa: S311 - a sample is no secret
        numbers = range(self._size)
        return [array("I", drawing.choices(numbers, k=self._size)) for _ in range(self._resamples)]
