from llm_engineering.application.rag.citations import CitationChecker
from llm_engineering.application.rag.evidence import Evidence
from llm_engineering.application.rag.extractive import extract, nearest
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from tests.unit.application.rag.test_citations import PUMPS, TIDES, passages

CHECKER = CitationChecker(HashingEmbeddingModel(dimension=256), WordSparseEncoder())


def evidence(question: str, *texts: str) -> Evidence:
    return CHECKER.evidence(question, passages(*texts))


def test_the_sentence_that_bears_on_the_question_is_quoted() -> None:
    found = extract(evidence("Who says that the moon pulls the water?", PUMPS, TIDES))
    assert found.text == "The moon pulls the water. [1]"
    (citation,) = found.citations
    assert citation.quote == "The moon pulls the water."
    assert citation.url == "https://example.org/1"
    assert 0.3 < citation.score <= 1.0


def test_a_second_sentence_comes_when_it_is_nearly_as_good() -> None:
    found = extract(evidence("pump starts", "The pump starts now.", "The pump starts late."))
    assert found.text.count("[1]") == found.text.count("[2]") == 1
    assert [one.n for one in found.citations] == [1, 2]


def test_two_sentences_of_one_passage_share_a_number() -> None:
    found = extract(evidence("pump starts", "The pump starts now. The pump starts late."))
    assert found.text.count("[1]") == 2
    assert len(found.citations) == 1


def test_what_bears_on_something_else_is_not_quoted() -> None:
    assert extract(evidence("Quis custodiet custodes?", TIDES)).citations == ()
    assert extract(evidence("Who?")).citations == ()


def test_the_question_may_have_no_word_that_counts() -> None:
    assert extract(evidence("?", TIDES)).citations == ()


def test_a_quote_is_one_line_and_links_nowhere() -> None:
    found = extract(
        evidence("the moon pulls", "The moon\npulls ![x](https://evil.example/a) the water.")
    )
    assert found.text == "The moon pulls [x] the water. [1]"
    assert found.citations[0].quote.startswith("The moon\npulls !")


def test_the_nearest_are_the_best_sentences_of_three_passages() -> None:
    texts = (TIDES, PUMPS, "Apples are red.", "Pears are green.")
    found = nearest(evidence("When does the bilge pump stop?", *texts))
    assert found[0].url == "https://example.org/1"
    assert len({one.url for one in found}) == 3
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
