"""How well questions are answered: right, with the right source, and refused when nothing says it.

Of the answerable questions count those whose answer contains one of the gold wordings, in whole
words, without regard to case and punctuation. Refusal precision is the share of the refused
questions that nothing answers; recall the share of the unanswerable ones that are refused.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

from llm_engineering.application.evaluation.bootstrap import Bootstrap
from llm_engineering.application.evaluation.collection import collection_document_id
from llm_engineering.application.evaluation.qa_file import PassageShelf, QaQuestion, QaSet
from llm_engineering.domain.answers import Answer, AnswerMode, AnswerRequest
from llm_engineering.domain.evaluation import Interval, QaMiss, QaReport
from llm_engineering.domain.queries import Query, Retrieval

_AT_ONCE = 4  # questions under way: local models compute the tokens of several together
_MARK = re.compile(r"\[\d+\]")


class Writer(Protocol):
    """What is evaluated: AnswerGenerator."""

    def answer_from(self, request: AnswerRequest, retrieval: Retrieval) -> Answer:
        """Returns the checked answer from passages that were found already."""
        ...


@dataclass(frozen=True)
class Outcome:
    """A question and its answer."""

    question: QaQuestion
    answer: Answer

    @property
    def refused(self) -> bool:
        """Returns whether it was refused."""
        return self.answer.mode is AnswerMode.REFUSED

    @property
    def contains_gold(self) -> bool:
        """Returns whether the answer contains one of the gold wordings."""
        said = _words(_MARK.sub(" ", self.answer.text))
        return not self.refused and any(_words(gold) in said for gold in self.question.answers)

    @property
    def citations_right(self) -> float:
        """Returns the share of the citations that point to the gold passage, 0.0 to 1.0."""
        gold = collection_document_id(self.question.gold)
        return fmean([one.document_id == gold for one in self.answer.citations] or [0.0])


def answer_questions(
    questions: Sequence[QaQuestion],
    shelf: PassageShelf,
    writer: Writer,
    on_done: Callable[[int], None] = lambda _: None,
    *,
    with_gold: bool = True,
) -> list[Outcome]:
    """Returns the outcome of each question, in order; several are under way at once.

    Raises:
        ModelError: the embedder failed, or the model in the middle of an answer.
    """

    def outcome(question: QaQuestion) -> Outcome:
        found = Retrieval(passages=shelf.passages(question, with_gold=with_gold))
        request = AnswerRequest(query=Query(text=question.text))
        answered = Outcome(question, writer.answer_from(request, found))
        on_done(1)
        return answered

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(outcome, questions))


def qa_report(
    qa: QaSet,
    outcomes: Sequence[Outcome],
    without_gold: Sequence[Outcome],
    model: str,
    prompt: str,
    seed: int,
    resamples: int,
    most_misses: int,
) -> QaReport:
    """Returns the shares and their 95 % intervals; a share of nothing is 0.

    Args:
        qa: where the questions are from.
        outcomes: of all questions.
        without_gold: of the answerable ones, with their gold passage taken away.
        model: the reference of the chat model.
        prompt: the fingerprint of the prompt.
        seed: of the bootstrap.
        resamples: how often the questions are drawn.
        most_misses: answers that are shown.
    """
    answerable = [one for one in outcomes if one.question.answerable]
    missed = [one for one in outcomes if _is_miss(one)]
    others = [one for one in outcomes if not one.question.answerable]

    def share(values: Iterable[float]) -> Interval:
        known = list(values)
        return Bootstrap(len(known), seed, resamples).interval(known)

    return QaReport(
        source=qa.source,
        model=model,
        prompt=prompt,
        questions=len(outcomes),
        answerable=len(answerable),
        seed=seed,
        resamples=resamples,
        contains_gold=share(one.contains_gold for one in answerable),
        citation_right=share(one.citations_right for one in answerable if not one.refused),
        refusal_precision=share(not one.question.answerable for one in outcomes if one.refused),
        refusal_recall=share(one.refused for one in others),
        refusal_without_gold=share(one.refused for one in without_gold),
        without_gold=len(without_gold),
        extractive=sum(one.answer.mode is AnswerMode.EXTRACTIVE for one in outcomes),
        without_model=sum(bool(one.answer.degraded) for one in (*outcomes, *without_gold)),
        missed=len(missed),
        misses=tuple(map(_miss, missed[:most_misses])),
    )


def _is_miss(one: Outcome) -> bool:
    return not (one.contains_gold if one.question.answerable else one.refused)


def _miss(one: Outcome) -> QaMiss:
    expected = "; ".join(one.question.answers) or "a refusal"
    return QaMiss(question=one.question.text, expected=expected, answer=one.answer.text)


def _words(text: str) -> str:
    """Returns the words in lower case, each between blanks."""
    found = " ".join(re.findall(r"\w+", text.lower()))
    return f" {found} "
