"""Some questions in a row, and what they come to."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from llm_engineering.application.ports.tracking import ExperimentTask
from llm_engineering.application.tracking.rows import (
    Row,
    chunk_rows,
    feedback_row,
    question_row,
    redacted,
    same_keys,
)
from llm_engineering.application.tracking.served import FAILED, STOPPED, Rated, Served, stages_ms
from llm_engineering.domain.answers import AnswerMode
from llm_engineering.domain.redaction import Redaction

MOST_FEEDBACK = 1000  # rows of one window; more are counted only
_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Window:
    """Gathers questions and feedback, and reports them together.

    Args:
        began: when it opened.
        redaction: takes secrets out of every text as it comes in: done for all at the end, it would
            hold up the questions of that moment.
    """

    def __init__(self, began: datetime, redaction: Redaction) -> None:
        self.began = began
        self._redaction = redaction
        self.questions = 0
        self._outcomes: Counter[str] = Counter()
        self._marks: Counter[str] = Counter()
        self._votes: Counter[str] = Counter()
        self._stages: dict[str, list[float]] = defaultdict(list)
        self._totals: list[float] = []
        self._amounts: Counter[str] = Counter()
        self._cost = 0.0
        self._rows: dict[str, list[Row]] = {"questions": [], "chunks": [], "feedback": []}

    @property
    def empty(self) -> bool:
        """Whether there is nothing to report."""
        return not self.questions and not self._votes

    def add(self, iteration: int, served: Served) -> None:
        """Takes a question in; `iteration` is its number."""
        self.questions += 1
        self._outcomes[served.outcome] += 1
        self._note("questions", question_row(iteration, served))
        self._note("chunks", *chunk_rows(iteration, served))
        self._totals.append(served.total_ms)
        for stage, milliseconds in stages_ms(served).items():
            self._stages[stage].append(milliseconds)
        if served.answer:
            usage = served.answer.usage
            self._amounts.update(input=usage.input_tokens, output=usage.output_tokens)
            self._cost += usage.cost_usd or 0.0
            self._marks["hit"] += bool(served.answer.citations)
            self._marks["grounded"] += served.answer.grounded
            self._marks["degraded"] += bool(served.answer.degraded)
            self._marks["cached"] += served.answer.cached

    def add_feedback(self, iteration: int | None, rated: Rated) -> None:
        """Takes a vote in; `iteration` is the number of its question, if it is known."""
        self._votes[rated.feedback.vote.value] += 1
        if len(self._rows["feedback"]) < MOST_FEEDBACK:
            self._note("feedback", feedback_row(iteration, rated))

    def _note(self, table: str, *rows: Row) -> None:
        self._rows[table] += [redacted(row, self._redaction) for row in rows]

    def report(self, task: ExperimentTask, iteration: int, dropped: int) -> None:
        """Tells the task; `dropped` is how many questions could not be noted since last time."""
        scalars: Mapping[str, Mapping[str, float]] = {
            "window: rates": self._rates(),
            "window: latency in ms": quantiles(self._totals),
            "window: tokens a question": self._tokens(),
            "window: cost in USD": {"sum": round(self._cost, 6)} if self._cost else {},
            "window: counts": {"questions": self.questions, "dropped": dropped, **self._votes},
        }
        for title, values in scalars.items():
            if values:
                task.scalars(title, values, iteration)
        for title, rows in self._rows.items():
            task.table(title, same_keys(rows), iteration)
        self._plot(task, iteration)

    def _rates(self) -> dict[str, float]:
        """Returns the shares, 0.0-1.0, of the questions that were answered, failed or refused.

        `hit`: a passage that was found is cited. What callers gave up counts for none of them.
        """
        judged = self.questions - self._outcomes[STOPPED]
        rates = {
            **{mark: self._marks[mark] for mark in ("hit", "grounded", "degraded", "cached")},
            "refusal": self._outcomes[AnswerMode.REFUSED.value],
            "extractive": self._outcomes[AnswerMode.EXTRACTIVE.value],
            "failed": self._outcomes[FAILED],
        }
        shares = {name: round(n / judged, 4) for name, n in rates.items()} if judged else {}
        votes = self._votes.total()
        return shares | ({"liked": round(self._votes["up"] / votes, 4)} if votes else {})

    def _tokens(self) -> dict[str, float]:
        n = self.questions
        return {kind: round(sum_ / n, 2) for kind, sum_ in self._amounts.items()} if n else {}

    def _plot(self, task: ExperimentTask, iteration: int) -> None:
        if not self.questions:
            return
        labels, counts = histogram(self._totals)
        task.bars(
            "questions by seconds taken", labels, {"questions": counts}, iteration, unit="questions"
        )
        outcomes = sorted(self._outcomes)
        numbers = [self._outcomes[outcome] for outcome in outcomes]
        task.bars(
            "questions by outcome", outcomes, {"questions": numbers}, iteration, unit="questions"
        )
        if self._stages:
            found = {stage: quantiles(times) for stage, times in self._stages.items()}
            series = {q: [values[q] for values in found.values()] for q in ("p50", "p95")}
            task.bars("milliseconds by stage", list(found), series, iteration, unit="ms", log=True)


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Returns p50, p95 and p99 by nearest rank; nothing of nothing."""
    ordered = sorted(values)
    ranks = {name: max(0, math.ceil(q * len(ordered)) - 1) for name, q in _QUANTILES.items()}
    return {name: ordered[rank] for name, rank in ranks.items()} if ordered else {}


def histogram(milliseconds: Sequence[float]) -> tuple[list[str], list[float]]:
    """Returns labels such as `≤ 0.5` (seconds), and how many values lie up to each.

    Each value counts once, at the first label that it does not exceed.
    """
    labels = [f"≤ {bound:g}" for bound in _SECONDS] + [f"> {_SECONDS[-1]:g}"]
    counts = [0.0] * len(labels)
    for value in milliseconds:
        place = next((n for n, bound in enumerate(_SECONDS) if value <= bound * 1000), -1)
        counts[place] += 1
    return labels, counts
