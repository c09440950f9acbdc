import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.rag.context import estimated_tokens, within_budget
from llm_engineering.domain.queries import ScoredChunk
from tests.builders import make_chunk


def passage(words: int) -> ScoredChunk:
    chunk = make_chunk(
        " ".join(["word"] * words),
        title="",
        heading_path=(),
        author_full_name=None,
        published=None,
    )
    return ScoredChunk(chunk=chunk, scores={"fusion": 1.0})


def words_of(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(
    ("budget", "read"),
    [(1, 1), (11, 1), (22, 2), (32, 2), (33, 3), (1000, 3)],
)
def test_passages_are_read_by_rank_until_the_budget_is_spent(budget: int, read: int) -> None:
    """Ten words and a number each."""
    found = [passage(10)] * 3
    assert len(within_budget(found, budget, words_of)) == read


def test_a_short_passage_does_not_jump_the_queue() -> None:
    found = [passage(10), passage(50), passage(1)]
    assert within_budget(found, 20, words_of) == found[:1]


def test_nothing_found_is_nothing_read() -> None:
    assert within_budget([], 100, words_of) == []


@given(st.lists(st.integers(1, 40), max_size=8), st.integers(1, 200))
def test_what_is_read_fits_and_is_the_beginning(sizes: list[int], budget: int) -> None:
    found = [passage(size) for size in sizes]
    read = within_budget(found, budget, words_of)
    assert read == found[: len(read)]
    if len(read) > 1:
        assert sum(sizes[: len(read)]) + len(read) <= budget


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abcd", 2), ("слово", 4), ("x" * 300, 100)]
)
def test_the_estimate_counts_bytes(text: str, tokens: int) -> None:
    assert estimated_tokens(text) == tokens
