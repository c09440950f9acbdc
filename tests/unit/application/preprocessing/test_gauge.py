import pytest

from llm_engineering.application.preprocessing.config import ChunkingConfig
from llm_engineering.application.preprocessing.gauge import CHARACTERS_A_TOKEN, Gauge
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel

CONFIG = ChunkingConfig(chunk_tokens=20, heading_tokens=6, overlap_tokens=3)


def gauge(text: str) -> Gauge:
    return Gauge(text, HashingEmbeddingModel(), CONFIG)


def test_size_counts_the_tokens_that_start_in_a_span() -> None:
    assert gauge("one two three").size(0, 13) == 3
    assert gauge("one two three").size(4, 8) == 1


def test_a_long_word_counts_by_its_characters() -> None:
    assert gauge("a" * 160).size(0, 160) == 160 // CHARACTERS_A_TOKEN


def test_tokens_are_found_beyond_the_first_window() -> None:
    text = "word and\n" * 30_000
    assert gauge(text).size(0, len(text)) == 60_000


def test_room_is_what_headings_and_overlap_leave() -> None:
    assert gauge("").room(()) == 17
    assert gauge("").room(("one two",)) == 17 - 3


@pytest.mark.parametrize(
    ("headings", "capped"),
    [
        (("a", "b", "c"), ("a", "b", "c")),
        (("a", "b", "c", "d"), ("a", "c", "d")),
        (("one two three four five six seven",), ("one two three four five",)),
        (("outer", "one two three four five six"), ("one two three four five",)),
        (("  spaced\n out ",), ("spaced out",)),
        (("", "b"), ("b",)),
        ((), ()),
    ],
)
def test_headings_are_capped(headings: tuple[str, ...], capped: tuple[str, ...]) -> None:
    assert gauge("").capped(headings) == capped


def test_cuts_are_consecutive_and_between_words() -> None:
    text = "alpha beta gamma delta epsilon"
    pieces = [text[start:end] for start, end in gauge(text).cuts(0, len(text), 2)]
    assert pieces == ["alpha beta ", "gamma delta ", "epsilon"]


def test_cuts_without_any_space_are_made_anywhere() -> None:
    text = ",".join("abcdef")
    pieces = [text[start:end] for start, end in gauge(text).cuts(0, len(text), 4)]
    assert pieces == ["a,b,", "c,d,", "e,f"]


def test_back_goes_over_that_many_tokens_but_not_over_endless_ones() -> None:
    assert gauge("one two three").back(8, 1) == 4
    assert gauge("one two").back(4, 9) == 0
    assert gauge("a" * 999 + " b").back(1000, 1) == 1000 - CHARACTERS_A_TOKEN
