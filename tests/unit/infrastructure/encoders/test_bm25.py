import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.domain.embedded_chunks import SparseVector
from llm_engineering.infrastructure.encoders.bm25 import Bm25Encoder

ENCODER = Bm25Encoder(average_length=10)
EMPTY = SparseVector(indices=(), values=())


def weights(text: str) -> dict[int, float]:
    vector = ENCODER.encode_passage(text)
    return dict(zip(vector.indices, vector.values, strict=True))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Running runs RUN", ["run", "run", "run"]),
        ("the cat is on the mat", ["cat", "mat"]),
        ("snake_case", ["snake_cas", "snake", "case"]),
        ("camelCase", ["camelcas", "camel", "case"]),
        ("HTTPServer", ["httpserver", "http", "server"]),
        ("__init__", ["__init__", "init"]),
        ("MAX_TOKENS", ["max_token", "max", "token"]),
        ("Plain HTTP words", ["plain", "http", "word"]),
        ("sha256", ["sha256"]),
        (
            "\xe9cole \u043f\u0440\u0438\u0432\u0435\u0442 \u65e5\u672c",
            ["\xe9cole", "\u043f\u0440\u0438\u0432\u0435\u0442", "\u65e5\u672c"],
        ),
        ("\uff26\uff55\uff4c\uff4c width", ["full", "width"]),
        ("a.b-c/d", ["b", "c", "d"]),
        ("", []),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert ENCODER.terms(text) == terms


@pytest.mark.parametrize("text", ["", "  \n", "... !? \U0001f642", "the and of"])
def test_a_text_without_a_term_has_an_empty_vector(text: str) -> None:
    assert ENCODER.encode_passage(text) == EMPTY
    assert ENCODER.encode_query(text) == EMPTY


def test_weights_follow_the_formula() -> None:
    found = weights("cat cat dog")
    length = 1 - 0.75 + 0.75 * 3 / 10
    assert sorted(found.values()) == pytest.approx(
        [1 * 2.2 / (1 + 1.2 * length), 2 * 2.2 / (2 + 1.2 * length)]
    )


def test_a_text_of_average_length_gives_a_single_term_the_weight_one() -> None:
    text = "alpha beta gamma delta epsilon zeta eta theta iota kappa"
    assert list(weights(text).values()) == pytest.approx([1.0] * 10)


def test_indices_are_stable_across_versions_and_processes() -> None:
    assert ENCODER.encode_query("cat").indices == (2656977832,)


def test_a_query_meets_the_passage_that_has_its_words_in_another_form() -> None:
    query = ENCODER.encode_query("How are embeddings cached?")
    assert set(query.indices) <= set(weights("The cache of every embedding"))
    assert set(query.values) == {1.0}


def test_what_a_question_repeats_counts_as_often() -> None:
    query = ENCODER.encode_query("Codes that optimize. How do compilers optimize code? Optimizing!")
    stems = {
        name: ENCODER.encode_query(name).indices[0] for name in ("optimize", "code", "compile")
    }
    counts = dict(zip(query.indices, query.values, strict=True))
    assert {name: counts[index] for name, index in stems.items()} == {
        "optimize": 3.0,
        "code": 2.0,
        "compile": 1.0,
    }


@pytest.mark.parametrize("word", ["no", "not", "only", "re"])
def test_words_that_change_what_is_said_are_terms(word: str) -> None:
    assert len(ENCODER.terms(word)) == 1


def test_the_frame_of_a_request_has_no_terms() -> None:
    assert ENCODER.terms("Can you give me all that there is about") == ["give"]


def test_parameters_and_rules_are_in_the_fingerprint() -> None:
    assert Bm25Encoder().fingerprint == Bm25Encoder().fingerprint
    assert len({Bm25Encoder(k1=k).fingerprint for k in (1.0, 1.2, 1.5)}) == 3


@given(st.text())
def test_any_text_gives_a_well_formed_vector(text: str) -> None:
    vector = ENCODER.encode_passage(text)
    assert list(vector.indices) == sorted(set(vector.indices))
    assert all(0 <= index < 2**32 for index in vector.indices)
    assert all(math.isfinite(value) and value > 0 for value in vector.values)
    assert set(ENCODER.encode_query(text).indices) == set(vector.indices)
