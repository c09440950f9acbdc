from pathlib import Path

import pytest

from llm_engineering.application.evaluation.answers import Outcome, answer_questions, qa_report
from llm_engineering.application.evaluation.collection import collection_document_id
from llm_engineering.application.evaluation.qa_file import PassageShelf, QaQuestion, QaSet, read_qa
from llm_engineering.domain.answers import Answer, AnswerMode, AnswerRequest, Citation
from llm_engineering.domain.errors import ModelError
from llm_engineering.domain.evaluation import QaReport
from llm_engineering.domain.queries import Retrieval
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel
from tests.unit.application.evaluation.qa_making import write_qa

ANSWERABLE = QaQuestion("q", "When does the ferry leave?", "ferries", ("Noon.", "12 o'clock"))
IMPOSSIBLE = QaQuestion("n", "What does the ferry cost?", "ferries", ())


def citation(gold: str) -> Citation:
    return Citation(
        n=1,
        document_id=collection_document_id(gold),
        revision="r",
        url="u",
        title="",
        author=None,
        start=0,
        end=1,
        quote="x",
        score=1.0,
    )


def answer(text: str, *cited: str) -> Answer:
    return Answer(
        text=text,
        citations=tuple(map(citation, cited)),
        grounded=bool(cited),
        mode=AnswerMode.GENERATED if cited else AnswerMode.REFUSED,
        model="scripted:one",
    )


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("It leaves at NOON [1].", True),
        ("At 12 o'clock, sharp. [1]", True),
        ("In the afternoon. [1]", False),  # whole words only
        ("At 12. [1]", False),
    ],
)
def test_an_answer_is_right_when_it_has_a_gold_wording(text: str, right: bool) -> None:
    assert Outcome(ANSWERABLE, answer(text, "ferries")).contains_gold is right


def test_a_refusal_is_never_right() -> None:
    assert not Outcome(ANSWERABLE, answer("Noon.")).contains_gold


def test_citations_are_right_by_their_share() -> None:
    assert Outcome(ANSWERABLE, answer("x", "ferries", "bees")).citations_right == 0.5
    assert Outcome(ANSWERABLE, answer("x")).citations_right == 0.0


class Writing:
    """Answers with the question; remembers what it was given."""

    def __init__(self) -> None:
        self.seen: dict[str, Retrieval] = {}

    def answer_from(self, request: AnswerRequest, retrieval: Retrieval) -> Answer:
        if "cost" in request.query.text:
            raise ModelError("broken off")
        self.seen[request.query.text] = retrieval
        return answer(request.query.text, "ferries")


@pytest.fixture
def qa(tmp_path: Path) -> QaSet:
    return read_qa(write_qa(tmp_path / "harbour.jsonl"))


@pytest.mark.parametrize("with_gold", [True, False])
def test_every_question_is_answered_from_its_passages_in_order(qa: QaSet, with_gold: bool) -> None:
    heard: list[int] = []
    shelf, writer = PassageShelf(qa, HashingEmbeddingModel()), Writing()
    asked = [one for one in qa.questions if "cost" not in one.text]
    outcomes = answer_questions(asked, shelf, writer, heard.append, with_gold=with_gold)
    assert [one.question for one in outcomes] == asked
    assert [one.answer.text for one in outcomes] == [one.text for one in asked]
    assert heard == [1] * len(asked)
    for one in asked:
        ids = [found.chunk.document_id for found in writer.seen[one.text].passages]
        assert (collection_document_id(one.gold) in ids) is with_gold


def test_an_outage_is_no_wrong_answer(qa: QaSet) -> None:
    with pytest.raises(ModelError, match="broken off"):
        answer_questions(qa.questions, PassageShelf(qa, HashingEmbeddingModel()), Writing())


def reported(qa: QaSet, *outcomes: Outcome) -> QaReport:
    removed = [Outcome(ANSWERABLE, answer("No.")), Outcome(ANSWERABLE, answer("Noon.", "bees"))]
    return qa_report(qa, outcomes, removed, "scripted:one", "p1", 17, 200, 2)


def test_the_shares(qa: QaSet) -> None:
    report = reported(
        qa,
        Outcome(ANSWERABLE, answer("At noon.", "ferries")),
        Outcome(ANSWERABLE, answer("At ten.", "ferries", "bees")),
        Outcome(ANSWERABLE, answer("No.")),
        Outcome(IMPOSSIBLE, answer("No.")),
        Outcome(IMPOSSIBLE, answer("No.")),
        Outcome(IMPOSSIBLE, answer("Much.", "ferries")),
    )
    assert (report.questions, report.answerable, report.without_gold) == (6, 3, 2)
    means = [round(one.mean, 3) for one in report.shares.values()]
    assert means == [0.333, 0.75, 0.667, 0.667, 0.5]
    assert all(one.low <= one.mean <= one.high for one in report.shares.values())
    assert report.contains_gold.low < report.contains_gold.high
    assert [one.answer for one in report.misses] == ["At ten.", "No."]
    assert report.missed == 3
    assert report.misses[0].expected == "Noon.; 12 o'clock"


def test_a_share_of_nothing_is_zero(qa: QaSet) -> None:
    report = reported(qa, Outcome(IMPOSSIBLE, answer("Much.", "ferries")))
    assert report.contains_gold.mean == report.refusal_precision.mean == 0.0
    assert report.misses[0].expected == "a refusal"


def test_questions_that_the_model_failed_are_counted(qa: QaSet) -> None:
    late = answer("At noon.", "ferries").model_copy(update={"degraded": ("local:slow",)})
    report = qa_report(
        qa,
        [Outcome(ANSWERABLE, late), Outcome(ANSWERABLE, answer("At noon.", "ferries"))],
        [Outcome(ANSWERABLE, late)],
        "local:slow",
        "p1",
        17,
        200,
        2,
    )
    assert report.without_model == 2
