import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.rag.sentences import sentence_spans


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Version 3.11 is e.g. fine.", ["Version 3.11 is e.g. fine."]),
        ('He said "go." Then left.', ['He said "go."', "Then left."]),
        ("- one item\n- other item", ["- one item", "- other item"]),
        ("A heading\n\nA paragraph", ["A heading", "A paragraph"]),
        ("call f(x)\nand g(y)", ["call f(x)\nand g(y)"]),
        ("Use it. `frozen=True` does it.", ["Use it.", "`frozen=True` does it."]),
        ("  \n ", []),
        ("", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


@given(st.text(alphabet="ab. \n-!?\"'[]A1", max_size=80))
def test_sentences_lose_nothing_but_blanks(text: str) -> None:
    assert "".join("".join(split(text)).split()) == "".join(text.split())
