"""What an evaluation asks and what it finds out."""

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from llm_engineering.domain.types import Frozen

Wording = Literal["headings", "model"]


class CorpusQuestion(Frozen):
    """A question whose answer is known to stand in characters `start` to `end` of a revision.

    A span instead of a chunk: the question outlives another chunk size.
    """

    id: str
    text: str
    document_id: UUID
    revision: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class QuestionSet(Frozen):
    """Questions made from the corpus, once, so that later runs can be compared with it."""

    version: int = Field(ge=1)
    wording: Wording
    seed: int
    made_at: AwareDatetime
    questions: tuple[CorpusQuestion, ...]


class Interval(Frozen):
    """A mean over questions and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


class Comparison(Frozen):
    """How much better a variant is than another, question by question (paired bootstrap)."""

    variant: str
    baseline: str
    metric: str
    difference: Interval

    @property
    def significant(self) -> bool:
        """Returns whether the interval leaves out zero."""
        return self.difference.low > 0.0 or self.difference.high < 0.0


class FoundDocument(Frozen):
    """One row of a ranking; `grade` is its judgement, 0 when there is none."""

    id: str
    title: str
    score: float
    grade: int
    text: str


class WorstQuestion(Frozen):
    """A question with a low nDCG@10, what was found, and the ids that should have been."""

    id: str
    text: str
    score: float
    found: tuple[FoundDocument, ...]
    expected: tuple[str, ...]


class VariantReport(Frozen):
    """What one way of searching reached.

    `cpu_ms` has the median of each stage over the questions; `degraded` counts, by stage, the
    questions that went without it. The scores are those of the first ten passages, by judgement.
    """

    variant: str
    config: dict[str, Any]
    metrics: dict[str, Interval]
    cpu_ms: dict[str, float]
    degraded: dict[str, int] = Field(default_factory=dict)
    reranker: str | None = None
    relevant_scores: tuple[float, ...] = ()
    other_scores: tuple[float, ...] = ()
    worst: tuple[WorstQuestion, ...] = ()


class RetrievalReport(Frozen):
    """The variants on one collection. `unjudged` questions have no relevant document: left out."""

    source: str
    documents: int
    chunks: int
    questions: int
    unjudged: int
    seed: int
    resamples: int
    index_cpu_s: dict[str, float]
    variants: tuple[VariantReport, ...]
    comparisons: tuple[Comparison, ...]


class SelfQueryMiss(Frozen):
    """A question whose filters were not exactly those expected."""

    query: str
    expected: str
    found: str


class SelfQueryReport(Frozen):
    """How well filters are read out of questions; all figures are shares, 0.0 to 1.0.

    `exact`: all filters as expected. `author_exact`: the author, of those that name one.
    `invented`: a filter where none is expected. `recall_at_10`: of the relevant documents, where
    an author is asked for. `without_model`: questions for which the chat model was not asked.
    """

    questions: int
    with_author: int
    without_filter: int
    exact: float
    author_exact: float
    invented: float
    recall_at_10: float | None
    without_model: float
    misses: tuple[SelfQueryMiss, ...] = ()


class QaMiss(Frozen):
    """A question that was answered wrongly, or refused, or answered although nothing says it."""

    question: str
    expected: str
    answer: str


class QaReport(Frozen):
    """How well a model answers from passages; all figures are shares, 0.0 to 1.0.

    `contains_gold`: of the answerable questions, those whose answer has the gold wording.
    `citation_right`: of the citations of those that were answered, the ones to the gold passage.
    `refusal_precision`: of the refused questions, the unanswerable ones; `refusal_recall`: of the
    unanswerable, the refused ones. `refusal_without_gold`: of `without_gold` answerable questions
    whose gold passage was taken away. `extractive`: answers that are quotations of the passages.
    `without_model`: questions, of either kind, that the model failed to answer in time. `missed`:
    questions asked with their gold passage that were neither rightly answered nor rightly refused;
    `misses` has the first of them.
    """

    source: str
    model: str
    prompt: str
    questions: int
    answerable: int
    seed: int
    resamples: int
    contains_gold: Interval
    citation_right: Interval
    refusal_precision: Interval
    refusal_recall: Interval
    refusal_without_gold: Interval
    without_gold: int
    extractive: int
    without_model: int = 0
    missed: int = 0
    misses: tuple[QaMiss, ...] = ()

    @property
    def shares(self) -> dict[str, Interval]:
        """Returns the shares by the names that people read."""
        return {
            "contains the gold answer": self.contains_gold,
            "cited passage right": self.citation_right,
            "refusal precision": self.refusal_precision,
            "refusal recall": self.refusal_recall,
            "refused without the gold passage": self.refusal_without_gold,
        }


class EvaluationReport(Frozen):
    """Everything that one run measured, and where it was written down."""

    retrieval: RetrievalReport | None = None
    self_query: SelfQueryReport | None = None
    answers: QaReport | None = None
    html: str
    tracked_at: str
