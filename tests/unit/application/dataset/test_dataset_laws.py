"""Laws of the datasets, over made-up pages: what teaches a model stands in its source."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_engineering.application.dataset.drafts import (
    ANSWER_CHARACTERS,
    SENTENCES,
    draft,
    opening,
)
from llm_engineering.application.dataset.gates import QUESTION_MARKS, Seen, fault
from llm_engineering.application.dataset.generation import generate_dataset
from llm_engineering.application.dataset.splits import split_by_document
from llm_engineering.domain.dataset import InstructDatasetSample
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.training import TrainingConfig
from tests.unit.application.dataset.chunk_making import article_chunk

WORDS = ("The", "tide", "turns", "e.g.", "3.11", "Größe", "🚢", "don't", "(see", "below)", "“yes”")
SENTENCE = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(
    lambda words: " ".join(words).capitalize() + "."
)
PROSE = st.lists(SENTENCE, min_size=1, max_size=5).map(" ".join)
BLOCK = st.one_of(
    PROSE,
    st.just("## A heading"),
    st.just("- an item."),
    st.just("```\ncode = 1.\n\nmore = 2.\n```"),
    st.just("| a | b |\n|---|---|"),
    st.text(max_size=30),
)
TEXT = st.lists(BLOCK, max_size=5).map("\n\n".join)


@given(TEXT)
def test_an_answer_stands_word_for_word_in_its_text(text: str) -> None:
    answer = opening(text)
    assert answer in text
    assert len(answer) <= ANSWER_CHARACTERS
    assert answer == answer.strip()


@given(st.lists(SENTENCE, min_size=1, max_size=6))
def test_an_answer_is_the_first_whole_sentences(sentences: list[str]) -> None:
    answer = opening(" ".join(sentences))
    if answer:
        assert " ".join(sentences).startswith(answer)
        assert answer[-1] in ".!?)”\"'"
        assert answer.count(". ") <= SENTENCES + answer.lower().count("e.g. ")


@given(TEXT, st.text(max_size=30), st.text(max_size=30))
def test_a_draft_asks_about_what_its_headings_say(text: str, heading: str, page: str) -> None:
    chunk = article_chunk(text, heading=heading, page=page or "page")
    sample = draft(chunk)
    if sample is None:
        return
    assert heading.strip() in sample.instruction
    assert sample.instruction.endswith("?")
    assert sample.answer in chunk.text
    assert (sample.chunk_id, sample.document_id) == (chunk.id, chunk.document_id)


@given(st.text(max_size=250), st.text(max_size=700), st.text(max_size=700))
def test_what_passes_the_gates_is_a_question_and_a_quotation(
    question: str, answer: str, source: str
) -> None:
    sample = InstructDatasetSample(
        instruction=question, answer=answer, chunk_id=UUID(int=1), document_id=UUID(int=2)
    )
    whole = f"{source} {answer}"
    if fault(sample, whole) is None:
        assert question.endswith(QUESTION_MARKS)
        assert 12 <= len(question) <= 200
        assert 60 <= len(answer) <= 600
        assert fault(sample.model_copy(update={"answer": f"{answer}~"}), whole) is not None


@pytest.mark.parametrize(
    ("question", "answer", "passes"),
    [
        ("x" * 10 + "?", "a" * 60, False),
        ("x" * 11 + "?", "a" * 60, True),
        ("x" * 199 + "?", "a" * 600, True),
        ("x" * 200 + "?", "a" * 600, False),
        ("x" * 11 + "?", "a" * 59, False),
        ("x" * 11 + "?", "a" * 601, False),
        ("x" * 11 + "\uff1f", "a" * 60, True),  # Chinese and Japanese
        ("x" * 11 + "\u061f", "a" * 60, True),  # Arabic
        ("x" * 11 + "\u037e", "a" * 60, False),  # looks like a semicolon
        ("x" * 11 + "? ", "a" * 60, False),
    ],
)
def test_the_bounds_belong_to_what_passes(question: str, answer: str, passes: bool) -> None:
    sample = InstructDatasetSample(
        instruction=question, answer=answer, chunk_id=UUID(int=1), document_id=UUID(int=2)
    )
    assert (fault(sample, answer) is None) is passes


def sample(number: int, question: str, answer: str) -> InstructDatasetSample:
    return InstructDatasetSample(
        instruction=question,
        answer=answer,
        chunk_id=UUID(int=number),
        document_id=UUID(int=number // 2),
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=20))
def test_no_question_and_no_answer_is_let_through_twice(pairs: list[tuple[str, str]]) -> None:
    seen = Seen()
    through = [
        (question, answer)
        for n, (question, answer) in enumerate(pairs)
        if not seen.repeats(sample(n, f" {question.upper()}  ? ", answer))
    ]
    questions, answers = [one for one, _ in through], [one for _, one in through]
    assert len(questions) == len(set(questions))
    assert len(answers) == len(set(answers))


def test_a_question_that_reads_as_an_answer_is_no_repetition() -> None:
    seen = Seen()
    assert not seen.repeats(sample(1, "the tide", "the moon"))
    assert not seen.repeats(sample(2, "the moon", "the tide"))
    assert seen.repeats(sample(3, "The  Tide", "other"))


@pytest.mark.parametrize(
    ("documents", "share", "held_out"),
    [
        (2, 0.01, 1),
        (2, 0.99, 1),
        (3, 0.99, 2),
        (10, 0.1, 1),
        (10, 0.14, 1),
        (10, 0.16, 2),
        (10, 0.5, 5),
        (10, 0.95, 9),
    ],
)
def test_each_side_has_its_share_of_documents(documents: int, share: float, held_out: int) -> None:
    samples = [sample(n, f"q{n}", f"a{n}") for n in range(2 * documents)]
    split = split_by_document(samples, share, seed=5)
    assert len({one.document_id for one in split.test}) == held_out
    assert len({one.document_id for one in split.train}) == documents - held_out


def test_the_order_of_the_samples_does_not_move_documents() -> None:
    samples = [sample(n, f"q{n}", f"a{n}") for n in range(20)]
    forward, backward = (split_by_document(one, 0.3, 5) for one in (samples, samples[::-1]))
    assert set(forward.test) == set(backward.test)
    assert list(forward.train) == [one for one in samples if one in forward.train]


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 5), PROSE), max_size=12),
    st.integers(4, 8),
    st.integers(0, 99),
)
def test_a_dataset_has_what_was_asked_for_or_says_why_not(
    pages: list[tuple[int, str]], wanted: int, seed: int
) -> None:
    chunks = [
        article_chunk(text, page=f"page-{page}", heading=f"Topic {n}", position=n)
        for n, (page, text) in enumerate(pages)
    ]
    config = TrainingConfig(samples=wanted, seed=seed)
    try:
        made = generate_dataset(chunks, config)
    except InvalidInput as refused:
        assert "a split needs at least 2" in str(refused)
        return
    samples = [*made.dataset.train, *made.dataset.test]
    assert 2 <= len(samples) <= wanted
    assert len(samples) + sum(made.refused.values()) <= len(chunks)
    if len(samples) < wanted:
        assert len(samples) + sum(made.refused.values()) == len(chunks), "nothing is lost unsaid"
    assert generate_dataset(chunks[::-1], config).dataset == made.dataset
