"""Quality of a ranking against judgements, as trec_eval defines it.

A ranking is a list of ids without repeats, best first; judgements map ids to grades, of which
those above 0 are relevant. Every figure is 0.0 to 1.0.
"""

import math
from collections.abc import Mapping, Sequence

METRICS = ("nDCG@10", "MRR@10", "Recall@10", "Recall@100", "MAP")


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Returns the discounted cumulative gain of the first `k`, relative to the best possible one.

    The gain is the grade and the discount log2(rank + 1) (Järvelin & Kekäläinen 2002; trec_eval's
    `ndcg_cut`, which BEIR reports).
    """
    ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)
    best = _discounted(ideal[:k])
    return _discounted([max(grades.get(one, 0), 0) for one in ranking[:k]]) / best if best else 0.0


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def reciprocal_rank(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Returns 1 / rank of the first relevant one, 0.0 when none is among the first `k`."""
    ranks = (rank for rank, one in enumerate(ranking[:k], start=1) if grades.get(one, 0) > 0)
    return 1.0 / next(ranks, math.inf)


def recall(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Returns the share of the relevant ones that are among the first `k`."""
    relevant = {one for one, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def average_precision(ranking: Sequence[str], grades: Mapping[str, int]) -> float:
    """Returns the mean, over all relevant ones, of the precision where each is found."""
    relevant = sum(grade > 0 for grade in grades.values())
    hits, total = 0, 0.0
    for rank, one in enumerate(ranking, start=1):
        if grades.get(one, 0) > 0:
            hits += 1
            total += hits / rank
    return total / relevant if relevant else 0.0


def scores(ranking: Sequence[str], grades: Mapping[str, int]) -> dict[str, float]:
    """Returns all METRICS of one ranking."""
    return {
        "nDCG@10": ndcg(ranking, grades, 10),
        "MRR@10": reciprocal_rank(ranking, grades, 10),
        "Recall@10": recall(ranking, grades, 10),
        "Recall@100": recall(ranking, grades, 100),
        "MAP": average_precision(ranking, grades),
    }
