import pytest

from llm_engineering.application.rag.citations import CitationChecker, CitedText
from llm_engineering.application.rag.judging import judged
from llm_engineering.application.rag.prompts import REFUSAL
from llm_engineering.domain.answers import AnswerMode, Verification
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from tests.unit.application.rag.test_citations import PUMPS, TIDES, passages

CHECKER = CitationChecker(HashingEmbeddingModel(dimension=256), WordSparseEncoder())
FERRY = "The ferry Alma sails to Skar at noon. It carries forty people and a dog."


def judge(question: str, said: str, *texts: str) -> tuple[CitedText, AnswerMode]:
    evidence = CHECKER.evidence(question, passages(*(texts or (TIDES, PUMPS, FERRY))))
    return judged(CHECKER, evidence, said, Verification.FLAG)


def test_what_the_passages_say_to_the_question_stands() -> None:
    cited, mode = judge("When does the bilge pump stop?", "It stops after two minutes [3].")
    assert (cited.text, mode) == ("It stops after two minutes. [1]", AnswerMode.GENERATED)


def test_a_phrase_may_answer() -> None:
    """Alone it is like no sentence; with the question it is."""
    cited, mode = judge("When does the bilge pump stop?", "Two minutes.")
    assert (cited.text, mode) == ("Two minutes. [1]", AnswerMode.GENERATED)
    assert cited.citations[0].url == "https://example.org/1"


@pytest.mark.parametrize("said", [REFUSAL, "", "Whales sing in spring.", "It stops at nine."])
def test_what_no_passage_says_is_refused(said: str) -> None:
    cited, mode = judge("When does the bilge pump stop?", said)
    assert (cited.citations, mode) == ((), AnswerMode.REFUSED)


def test_an_answer_that_repeats_the_question_is_replaced_by_a_quote() -> None:
    question = "above how many centimetres does the bilge pump start"
    cited, mode = judge(question, "The bilge pump does start above many centimetres [2].")
    assert mode is AnswerMode.EXTRACTIVE
    assert cited.text == "The bilge pump starts above four centimetres. [1]"


def test_an_answer_that_is_beside_the_question_is_replaced_by_a_quote() -> None:
    question = "the bilge pump starts above how many centimetres"
    cited, mode = judge(question, "The moon pulls the water [1].")
    assert mode is AnswerMode.EXTRACTIVE
    assert cited.text == "The bilge pump starts above four centimetres. [1]"


def test_beside_the_question_and_nothing_to_quote_is_a_refusal() -> None:
    _, mode = judge("Quis custodiet ipsos custodes pulls?", "The ferry sails at noon.", FERRY)
    assert mode is AnswerMode.REFUSED


@pytest.mark.parametrize(
    ("question", "mode"),
    [
        ("When does the Alma sail to Skar?", AnswerMode.GENERATED),
        ("When does the alma sail to Skar?", AnswerMode.GENERATED),
        ("When does the Berta sail to Skar?", AnswerMode.REFUSED),
        ("When does the Alma sail to Lomma?", AnswerMode.REFUSED),
        ("When did the Alma sail to Skar in 1874?", AnswerMode.REFUSED),
        ("When does the Alma not sail to Skar?", AnswerMode.REFUSED),
        ("When doesn't the Alma sail to Skar?", AnswerMode.REFUSED),
        ("In the US, when does the Alma sail to Skar?", AnswerMode.GENERATED),
    ],
)
def test_names_numbers_and_not_of_the_question_have_to_be_there(
    question: str, mode: AnswerMode
) -> None:
    assert judge(question, "The ferry Alma sails to Skar at noon.")[1] is mode


def test_a_question_with_not_may_be_answered_by_a_sentence_with_not() -> None:
    _, mode = judge("What does not rust?", "Brass does not rust.", "Brass does not rust in water.")
    assert mode is AnswerMode.GENERATED


def test_a_name_in_title_or_headings_counts() -> None:
    (found,) = passages("It carries forty people.")
    chunk = found.chunk.model_copy(update={"title": "The ferry Alma"})
    evidence = CHECKER.evidence(
        "It carries how many people, the Alma?", [found.model_copy(update={"chunk": chunk})]
    )
    _, mode = judged(CHECKER, evidence, "It carries forty people.", Verification.FLAG)
    assert mode is AnswerMode.GENERATED
