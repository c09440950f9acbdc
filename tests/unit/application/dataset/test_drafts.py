import pytest

from llm_engineering.application.dataset.drafts import ANSWER_CHARACTERS, draft, opening
from tests.unit.application.dataset.chunk_making import PROSE, article_chunk


def test_the_innermost_heading_asks_and_the_first_sentences_answer() -> None:
    sample = draft(article_chunk())
    assert sample is not None
    assert sample.instruction == "What does the documentation say about Generators?"
    assert sample.answer == PROSE


def test_a_heading_that_is_not_the_title_names_the_page() -> None:
    sample = draft(article_chunk(heading="Examples"))
    assert sample is not None
    assert sample.instruction == "What does the documentation say about Examples in “Generators”?"


def test_a_sample_knows_its_chunk_and_document() -> None:
    chunk = article_chunk()
    sample = draft(chunk)
    assert sample is not None
    assert (sample.chunk_id, sample.document_id) == (chunk.id, chunk.document_id)


def test_at_most_three_sentences_are_taken() -> None:
    assert opening("One is here. Two is here. Three is here. Four is here.") == (
        "One is here. Two is here. Three is here."
    )


def test_sentences_stop_before_the_limit_and_are_never_cut() -> None:
    first = "A" + "b" * 200 + "."
    text = f"{first} {'C' * ANSWER_CHARACTERS}."
    assert opening(text) == first


def test_a_first_sentence_beyond_the_limit_gives_nothing() -> None:
    assert opening("A" * ANSWER_CHARACTERS + "b.") == ""


@pytest.mark.parametrize(
    "prefix",
    [
        "## A heading\n\n",
        "- a list item that ends here.\n- and another one.\n\n",
        "1. a numbered item.\n\n",
        "| a | table |\n|---|---|\n\n",
        "> a quote of somebody.\n\n",
        "    indented = code()\n\n",
        "```python\nx = 1.\n\ny = 2.\n```\n\n",
        "![an image](https://example.org/a.png)\n\n",
        "no sentence begins in lower case.\n\n",
        "A paragraph that ends in a colon:\n\n",
    ],
)
def test_what_is_not_a_paragraph_of_prose_is_passed_over(prefix: str) -> None:
    assert opening(f"{prefix}This is prose.") == "This is prose."


def test_abbreviations_and_versions_do_not_end_a_sentence() -> None:
    text = "Python 3.11 has it, e.g. for groups, i.e. many errors. Then more follows."
    assert opening(text) == text


def test_a_quotation_mark_after_the_full_stop_belongs_to_the_sentence() -> None:
    assert opening("He said “this is it.” And") == "He said “this is it.”"


def test_a_line_break_inside_a_sentence_is_kept_as_it_stands() -> None:
    text = "A sentence over\ntwo lines."
    assert opening(text) == text


@pytest.mark.parametrize("text", ["", "   \n\n ", "no end", "```\nonly.code()\n```"])
def test_a_chunk_without_prose_gives_no_draft(text: str) -> None:
    assert draft(article_chunk(text)) is None
