import pytest

from llm_engineering.application.rag.citations import CitationChecker, CitedText
from llm_engineering.domain.answers import Verification
from llm_engineering.domain.queries import ScoredChunk
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from tests.builders import make_chunk

TIDES = "The tide turns twice a day. The moon pulls the water. Sailors read tables."
PUMPS = "The bilge pump starts above four centimetres. It stops after two minutes."


@pytest.fixture
def checker() -> CitationChecker:
    return CitationChecker(HashingEmbeddingModel(dimension=256), WordSparseEncoder())


def passages(*texts: str) -> list[ScoredChunk]:
    return [
        ScoredChunk(
            chunk=make_chunk(
                text=text,
                start=100,
                end=100 + len(text),
                url=f"https://example.org/{n}",
                title=f"Page {n}",
                heading_path=(),
            ),
            scores={"fusion": 1.0},
        )
        for n, text in enumerate(texts)
    ]


def cite(
    checker: CitationChecker,
    question: str,
    answer: str,
    found: list[ScoredChunk],
    verify: Verification = Verification.FLAG,
) -> CitedText:
    return checker.cite(checker.evidence(question, found), answer, verify)


def test_a_supported_sentence_is_cited_with_the_span_that_says_it(checker: CitationChecker) -> None:
    cited = cite(
        checker,
        "When does the pump start?",
        "The bilge pump starts above four centimetres.",
        passages(TIDES, PUMPS),
    )
    assert cited.text == "The bilge pump starts above four centimetres. [1]"
    (citation,) = cited.citations
    assert citation.n == 1
    assert citation.url == "https://example.org/1"
    assert citation.quote == "The bilge pump starts above four centimetres."
    assert (citation.start, citation.end) == (100, 100 + len(citation.quote))
    assert citation.score == pytest.approx(1.0)


def test_the_quote_is_the_place_in_the_passage(checker: CitationChecker) -> None:
    found = passages(TIDES)
    (citation,) = cite(checker, "What pulls?", "The moon pulls the water.", found).citations
    chunk = found[0].chunk
    assert chunk.text[citation.start - chunk.start : citation.end - chunk.start] == citation.quote
    assert citation.quote == "The moon pulls the water."


def test_marks_of_the_model_are_replaced_by_checked_ones(checker: CitationChecker) -> None:
    cited = cite(
        checker,
        "?",
        "The moon pulls the water [2]. It stops after two minutes [1, 7].",
        passages(TIDES, PUMPS),
    )
    assert cited.text == "The moon pulls the water. [1] It stops after two minutes. [2]"
    assert [citation.url[-1] for citation in cited.citations] == ["0", "1"]


def test_a_source_cited_twice_has_one_number(checker: CitationChecker) -> None:
    cited = cite(
        checker, "?", "The moon pulls the water. The tide turns twice a day.", passages(TIDES)
    )
    assert cited.text.count("[1]") == 2
    assert len(cited.citations) == 1


def test_a_sentence_that_no_passage_says_stays_unmarked(checker: CitationChecker) -> None:
    cited = cite(checker, "?", "The moon pulls the water. Whales sing in spring.", passages(TIDES))
    assert cited.text == "The moon pulls the water. [1] Whales sing in spring."


@pytest.mark.parametrize(
    "invented",
    [
        "Whales sing in spring.",
        "The bilge pump starts above nine inches of mud.",
        "[1]",
        "",
        "   ",
    ],
)
def test_what_the_passages_do_not_say_is_not_cited(checker: CitationChecker, invented: str) -> None:
    assert cite(checker, "When?", invented, passages(TIDES, PUMPS)).citations == ()


def test_without_passages_nothing_is_cited(checker: CitationChecker) -> None:
    assert cite(checker, "When?", "The tide turns.", []).citations == ()


def test_words_of_the_question_are_no_support(checker: CitationChecker) -> None:
    """The passage holds the question's words, but not what the answer adds to them."""
    question = "How often does the tide turn a day?"
    cited = cite(checker, question, "The tide turns a day: ninety times.", passages(TIDES))
    assert cited.citations == ()


def test_the_same_words_with_another_meaning_are_not_support() -> None:
    """All words occur, scattered over the passage; no sentence means it."""
    scattered = "Cats sleep. Boats float on rivers. Engines burn oil. Cooks boil eggs at noon."
    strict = CitationChecker(HashingEmbeddingModel(dimension=256), WordSparseEncoder())
    assert cite(strict, "?", "Cats burn boats at rivers.", passages(scattered)).citations == ()


@pytest.mark.parametrize(
    "altered",
    [
        "The tide turns 7 times a day.",
        "The tide turns twice a day, says Newton.",
        "The tide turns twice a day with tide_table.",
        "The tide turns twice a day with tideTable.",
    ],
)
def test_numbers_names_and_identifiers_must_be_in_the_source(
    checker: CitationChecker, altered: str
) -> None:
    """Most words and the meaning fit; the one that matters does not."""
    assert cite(checker, "When does the tide turn?", altered, passages(TIDES)).citations == ()


def test_a_name_of_the_question_may_be_said_again(checker: CitationChecker) -> None:
    cited = cite(
        checker,
        "Does the tide turn in Dover?",
        "Yes, in Dover the tide turns twice a day.",
        passages(TIDES),
    )
    assert len(cited.citations) == 1


BOTH = "The moon pulls the water. Whales sing in spring. The tide turns twice a day."


def test_what_no_passage_supports_is_flagged_by_its_span(checker: CitationChecker) -> None:
    cited = cite(checker, "?", BOTH, passages(TIDES))
    assert [cited.text[start:end] for start, end in cited.unsupported] == ["Whales sing in spring."]


def test_with_strict_it_is_taken_out(checker: CitationChecker) -> None:
    cited = cite(checker, "?", BOTH, passages(TIDES), Verification.STRICT)
    assert cited.text == "The moon pulls the water. [1] The tide turns twice a day. [1]"
    assert cited.unsupported == ()


def test_strict_takes_out_a_beginning_with_its_gap(checker: CitationChecker) -> None:
    said = "Whales sing in spring.\n\nThe moon pulls the water."
    cited = cite(checker, "?", said, passages(TIDES), Verification.STRICT)
    assert cited.text == "The moon pulls the water. [1]"


def test_only_a_cited_source_may_be_linked(checker: CitationChecker) -> None:
    said = (
        "The moon pulls the water (https://example.org/0). "
        "The tide turns twice a day (https://example.org/1)."
    )
    cited = cite(checker, "?", said, passages(TIDES, PUMPS))
    assert "https://example.org/0" in cited.text
    assert "https://example.org/1" not in cited.text
