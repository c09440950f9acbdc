"""Questions about one's own corpus: the place that each was made from is known to answer it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from llm_engineering.application.evaluation.collection import JudgedQuestion
from llm_engineering.application.evaluation.retrieval import RetrievalTask
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.evaluation import CorpusQuestion, QuestionSet, Wording

_SHARE = 0.5  # of the shorter span, that two places must share to be the same


def make_question_set(
    asked: Sequence[tuple[str, Chunk]],
    *,
    version: int,
    wording: Wording,
    seed: int,
    clock: Callable[[], datetime],
) -> QuestionSet:
    """Returns the questions with the place of the chunk that each was made from."""
    questions = tuple(
        CorpusQuestion(
            id=str(number),
            text=text,
            document_id=chunk.document_id,
            revision=chunk.revision,
            start=chunk.start,
            end=chunk.end,
        )
        for number, (text, chunk) in enumerate(asked, start=1)
    )
    return QuestionSet(
        version=version, wording=wording, seed=seed, made_at=clock(), questions=questions
    )


def corpus_task(made: QuestionSet, indexed: Mapping[UUID, str]) -> tuple[RetrievalTask, int]:
    """Returns the questions whose document is indexed as it was, and how many are not.

    Args:
        made: the questions.
        indexed: the revision of every document in the index.

    Raises:
        InvalidInput: none is left.
    """
    usable = [one for one in made.questions if indexed.get(one.document_id) == one.revision]
    if not usable:
        raise InvalidInput(
            f"questions of version {made.version}: none of their documents is indexed any more "
            "(type 'poe run-evaluation --new-questions')"
        )
    places = {one.id: one for one in usable}
    task = RetrievalTask(
        source=f"own corpus, questions of version {made.version} ({made.wording})",
        questions=[JudgedQuestion(one.id, one.text, {one.id: 1}) for one in usable],
        judged_as=lambda question, chunk: (
            question.id if holds(chunk, places[question.id]) else str(chunk.id)
        ),
    )
    return task, len(made.questions) - len(usable)


def holds(chunk: Chunk, question: CorpusQuestion) -> bool:
    """Returns whether a chunk is, for at least half of the shorter one, the question's place."""
    if (chunk.document_id, chunk.revision) != (question.document_id, question.revision):
        return False
    shared = min(chunk.end, question.end) - max(chunk.start, question.start)
    shorter = min(chunk.end - chunk.start, question.end - question.start)
    return shared > 0 and shared >= _SHARE * shorter
