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


def judge(
    question: str, said: str, *texts: str, log_probability: float = 0.0
) -> tuple[CitedText, AnswerMode]:
    evidence = CHECKER.evidence(question, passages(*(texts or (TIDES, PUMPS, FERRY))))
    return judged(CHECKER, evidence, said, Verification.FLAG, log_probability)


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
    question = "the bilge pump starts above how many centimetres"
    cited, mode = judge(question, "The bilge pump starts above many centimetres [2].")
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


@pytest.mark.parametrize(
    ("log_probability", "mode"),
    [(0.0, AnswerMode.REFUSED), (-1.3, AnswerMode.REFUSED), (-1.5, AnswerMode.EXTRACTIVE)],
)
def test_a_refusal_in_doubt_gives_way_to_a_quote(log_probability: float, mode: AnswerMode) -> None:
    question = "the bilge pump starts above how many centimetres"
    cited, judged_mode = judge(question, REFUSAL, log_probability=log_probability)
    assert judged_mode is mode
    quote = "The bilge pump starts above four centimetres. [1]"
    assert cited.text == (quote if mode is AnswerMode.EXTRACTIVE else "")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Quis custodiet ipsos custodes pulls?", REFUSAL),  # nothing to quote
        ("the pump of the Berta starts above how many centimetres", REFUSAL),  # of another boat
        (  # not the refusal that was agreed upon: longer words are less likely
            "the bilge pump starts above how many centimetres",
            "The sources do not say what you want to know about the bilge pump.",
        ),
    ],
)
def test_a_refusal_in_doubt_may_stand(question: str, said: str) -> None:
    assert judge(question, said, log_probability=-3.0)[1] is AnswerMode.REFUSED


@pytest.mark.parametrize(
    ("keeper", "mode"),
    [
        ("Anna Holm", AnswerMode.GENERATED),
        ("Holm", AnswerMode.GENERATED),
        ("Anna Berg", AnswerMode.REFUSED),  # both words are there, of two people
    ],
)
def test_the_words_of_a_name_have_to_stand_together(keeper: str, mode: AnswerMode) -> None:
    text = "Anna M. Holm kept the light in 1874. The mill was kept by Nils Berg, and he sold it."
    question = f"In which year did the keeper {keeper} keep the light?"
    assert judge(question, "In 1874.", text)[1] is mode


def test_a_question_in_title_case_names_nobody() -> None:
    text = "The bilge pump starts above four centimetres and stops after two minutes."
    said = "Stops after two minutes."
    assert judge("The Pump Bilge Above Four Starts", said, text)[1] is AnswerMode.GENERATED
    assert judge("the Pump Bilge Above Four starts", said, text)[1] is AnswerMode.REFUSED


def test_what_is_said_of_the_opposite_is_refused() -> None:
    text = "The ferry Alma took a left turn and reached Skar."
    said = "The ferry Alma reached Skar."
    assert judge("What did the ferry reach by a left turn?", said, text)[1] is AnswerMode.GENERATED
    assert judge("What did the ferry reach by a right turn?", said, text)[1] is AnswerMode.REFUSED


def test_what_ranks_second_is_no_answer() -> None:
    text = "Skar is the busiest harbour, and Lomma is the second busiest harbour for herring."
    said = "Lomma is the second busiest harbour for herring."
    assert judge("Which is the busiest harbour for herring?", said, text)[1] is AnswerMode.REFUSED


def test_no_in_the_question_is_met_by_free() -> None:
    text = "Some schools in Skar are called 'fee-free'. Others ask for a fish a year."
    said = "Some schools in Skar are called 'fee-free'."
    question = "What are schools in Skar that charge no fee called?"
    assert judge(question, said, text)[1] is AnswerMode.GENERATED
    assert judge(question, "Others ask for a fish a year.", text)[1] is AnswerMode.REFUSED


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
