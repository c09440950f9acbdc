import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.rag.output_filter import OutputFilter, filtered, without_links
from llm_engineering.application.rag.prompts import INSTRUCTIONS, REFUSAL

PAGE = "https://example.org/tides"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://evil.example/a?b=c now", "see […] now"),
        ("see HTTPS://EVIL.example.", "see […]."),
        ("ftp://evil.example and javascript:alert(1)", "[…] and […])"),
        ("![pixel](https://evil.example/p.png)", "[pixel]"),
        ("[click here](https://evil.example)", "[click here]"),
        ("[click](//evil.example/x)", "[click]"),
        ("[click](https&#58;//evil.example)", "[click]"),
        ("[click]( <https://evil.example> )", "[click] )"),
        ("<img src=https://evil.example/x> end", "[…]> end"),
        ("<a href='//evil.example/x'>go</a>", " href='[…]'>go"),
        ("www.evil.example", "[…]"),
        ("[1]: https://evil.example", "[1]: […]"),
        ("mailto:a@evil.example", "[…]"),
    ],
)
def test_links_and_images_are_taken_out(text: str, shown: str) -> None:
    passed = without_links(text)
    assert "evil.example" not in passed.lower()
    if "<img" not in text and "<a" not in text:
        assert passed == shown


@pytest.mark.parametrize(
    "harmless",
    [
        "The pump starts at 4 cm [1].",
        "`handlers[name](event)` is called",
        "7 // 2 is 3, and a//b too",
        "List<String> and a < b",
        "note: this, C: that, ratio 3:2",
        "`def f(x): return x[1]`",
        "and/or, 1/2, src/main.py",
    ],
)
def test_prose_and_code_stay(harmless: str) -> None:
    assert without_links(harmless) == harmless
    assert filtered(harmless) == harmless


def test_an_allowed_address_stays_and_one_that_begins_with_it_does_not() -> None:
    assert without_links(f"see {PAGE}.", {PAGE}) == f"see {PAGE}."
    assert without_links(f"see {PAGE}?q=secret", {PAGE}) == "see […]"


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_the_instructions_are_never_passed_on(size: int) -> None:
    said = f"Of course. {INSTRUCTIONS} That was it."
    stream = OutputFilter()
    passed = [stream.feed(said[at : at + size]) for at in range(0, len(said), size)]
    text = "".join([*passed, stream.flush()])
    assert text.startswith("Of course. ")
    assert text.endswith("That was it.")
    words = re.findall(r"\w+", text.lower())
    secret = " ".join(re.findall(r"\w+", INSTRUCTIONS.lower()))
    runs = [" ".join(words[at : at + 6]) for at in range(len(words) - 5)]
    assert not [run for run in runs if run in secret]


def test_case_and_punctuation_do_not_help() -> None:
    assert filtered("YOU - ANSWER - QUESTIONS - FROM - NUMBERED - PASSAGES! Yes.") == "Yes."


def test_a_text_that_ends_with_the_instructions_loses_them() -> None:
    assert filtered("Here: " + INSTRUCTIONS) == "Here:"


def test_the_refusal_is_no_secret() -> None:
    assert filtered(REFUSAL) == REFUSAL


def test_a_few_words_in_a_row_may_be_chance() -> None:
    assert filtered("It answers questions from children.") == "It answers questions from children."


def test_words_come_as_soon_as_they_are_whole() -> None:
    stream = OutputFilter()
    assert stream.feed("Pump num") == "Pump"
    assert stream.feed("ber two starts near no") == " number two starts near"
    assert stream.flush() == " no"


PARTS = ["The ", "pump", " ", "\n\n", "[1]", "You answer ", "data. ", "é"]


@given(st.lists(st.sampled_from(PARTS)), st.integers(1, 9))
def test_harmless_text_arrives_whole_however_it_is_cut(parts: list[str], size: int) -> None:
    said = "".join(parts)
    stream = OutputFilter()
    passed = [stream.feed(said[at : at + size]) for at in range(0, len(said), size)]
    assert "".join([*passed, stream.flush()]) == said
