"""Runs the variants over the questions and works out what each reached."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from llm_engineering.application.evaluation.bootstrap import Bootstrap
from llm_engineering.application.evaluation.collection import Collection, JudgedQuestion
from llm_engineering.application.evaluation.metrics import METRICS, scores
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.evaluation import (
    Comparison,
    FoundDocument,
    VariantReport,
    WorstQuestion,
)
from llm_engineering.domain.queries import Query, Retrieval, ScoredChunk

DEPTH = 1000  # passages that are asked for, as trec_eval reads them
MAIN_METRIC = "nDCG@10"
STAGES = ("self_query", "expansion", "embed", "search", "fuse", "rerank")
_SHOWN = 10
_SNIPPET = 240

Ranking = Sequence[tuple[str, float]]


class Searcher(Protocol):
    """What is evaluated: ContextRetriever, with a timer that counts CPU."""

    def retrieve(self, query: Query, k: int | None = None) -> Retrieval:
        """Returns the passages for a question, best first."""
        ...


@dataclass(frozen=True)
class RetrievalTask:
    """Questions, and under which id a found chunk is judged for one of them."""

    source: str
    questions: Sequence[JudgedQuestion]
    judged_as: Callable[[JudgedQuestion, Chunk], str]


@dataclass(frozen=True)
class Answered:
    """A question, the best chunk of each document in order, and the figures of the search."""

    question: JudgedQuestion
    best: Mapping[str, ScoredChunk]
    retrieval: Retrieval

    @property
    def ranking(self) -> Ranking:
        """Returns ids and scores, best first."""
        return [(name, found.score) for name, found in self.best.items()]

    @property
    def scores(self) -> dict[str, float]:
        """Returns the METRICS."""
        return scores(list(self.best), self.question.grades)


def task_of(collection: Collection) -> RetrievalTask:
    """Returns the questions of a test collection, judged by document."""
    return RetrievalTask(
        source=collection.name,
        questions=collection.questions,
        judged_as=lambda _, chunk: collection.ids.get(chunk.document_id, str(chunk.document_id)),
    )


def answer_all(
    task: RetrievalTask, searcher: Searcher, on_done: Callable[[int], None] = lambda _: None
) -> list[Answered]:
    """Returns what the searcher found for every question; a first question warms it up.

    Raises what the searcher raises: an outage is no bad result.
    """
    searcher.retrieve(Query(text=task.questions[0].text), DEPTH)
    answered = []
    for question in task.questions:
        retrieval = searcher.retrieve(Query(text=question.text), DEPTH)
        best: dict[str, ScoredChunk] = {}
        for found in retrieval.passages:
            best.setdefault(task.judged_as(question, found.chunk), found)
        answered.append(Answered(question, best, retrieval))
        on_done(1)
    return answered


def variant_report(
    variant: str,
    config: Mapping[str, object],
    answered: Sequence[Answered],
    bootstrap: Bootstrap,
    worst: int,
) -> VariantReport:
    """Returns the means with their intervals, the costs, the scores and the worst questions."""
    by_metric = values_by_metric(answered)
    relevant, other = _first_scores(answered)
    return VariantReport(
        variant=variant,
        config=dict(config),
        metrics={name: bootstrap.interval(values) for name, values in by_metric.items()},
        cpu_ms=_medians([one.retrieval.timings_ms for one in answered]),
        degraded=dict(Counter(stage for one in answered for stage in one.retrieval.degraded)),
        reranker=next((one.retrieval.reranker for one in answered if one.retrieval.reranker), None),
        relevant_scores=relevant,
        other_scores=other,
        worst=_worst(answered, worst),
    )


def values_by_metric(answered: Sequence[Answered]) -> dict[str, list[float]]:
    """Returns, for each metric, its value for every question in order."""
    rows = [one.scores for one in answered]
    return {name: [row[name] for row in rows] for name in METRICS}


def compare(runs: Mapping[str, Sequence[Answered]], bootstrap: Bootstrap) -> tuple[Comparison, ...]:
    """Returns every variant against each before it, by nDCG@10."""
    values = {name: values_by_metric(answered)[MAIN_METRIC] for name, answered in runs.items()}
    names = list(values)
    return tuple(
        Comparison(
            variant=name,
            baseline=baseline,
            metric=MAIN_METRIC,
            difference=bootstrap.difference(values[name], values[baseline]),
        )
        for place, name in enumerate(names)
        for baseline in names[:place]
    )


def _medians(timings: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Returns the median of each stage, in the flow's order; 0.0 for a question without it."""
    timed = dict.fromkeys(stage for timing in timings for stage in timing)
    known = [stage for stage in STAGES if stage in timed]
    stages = [*known, *(stage for stage in timed if stage not in known)]
    return {
        stage: round(median(timing.get(stage, 0.0) for timing in timings), 3) for stage in stages
    }


def _first_scores(
    answered: Sequence[Answered],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    relevant: list[float] = []
    other: list[float] = []
    for one in answered:
        for name, score in one.ranking[:_SHOWN]:
            (relevant if one.question.grades.get(name, 0) > 0 else other).append(round(score, 4))
    return tuple(relevant), tuple(other)


def _worst(answered: Sequence[Answered], count: int) -> tuple[WorstQuestion, ...]:
    ordered = sorted(answered, key=lambda one: one.scores[MAIN_METRIC])
    return tuple(_worst_question(one) for one in ordered[:count])


def _worst_question(one: Answered) -> WorstQuestion:
    grades = one.question.grades
    found = [
        FoundDocument(
            id=name,
            title=item.chunk.title,
            score=round(item.score, 4),
            grade=grades.get(name, 0),
            text=" ".join(item.chunk.text.split())[:_SNIPPET],
        )
        for name, item in list(one.best.items())[:_SHOWN]
    ]
    return WorstQuestion(
        id=one.question.id,
        text=one.question.text,
        score=one.scores[MAIN_METRIC],
        found=tuple(found),
        expected=tuple(name for name, grade in grades.items() if grade > 0),
    )
