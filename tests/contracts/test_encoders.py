"""What every EmbeddingModel and SparseEncoder promises: stand-ins and real ones alike."""

import math
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.ports.models import EmbeddingModel, SparseEncoder
from llm_engineering.infrastructure.encoders.bm25 import Bm25Encoder
from llm_engineering.infrastructure.encoders.openvino_embedding import OpenVINOEmbeddingModel
from llm_engineering.infrastructure.encoders.torch_models import TorchEmbeddingModel
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from tests.unit.infrastructure.encoders.bert_making import make_folder

TEXTS = ["red sky", "", "green grass . blue sky", "\u65e5\u672c \U0001f642", "red " * 500]


@pytest.fixture(params=["hashing", "openvino", "torch"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> EmbeddingModel:
    if request.param == "hashing":
        return HashingEmbeddingModel()
    if request.param == "torch":
        pytest.importorskip("sentence_transformers")
        return TorchEmbeddingModel(make_folder(tmp_path / "bert"))
    return OpenVINOEmbeddingModel(make_folder(tmp_path / "bert"))


@pytest.fixture(params=[WordSparseEncoder, Bm25Encoder])
def encoder(request: pytest.FixtureRequest) -> SparseEncoder:
    made: SparseEncoder = request.param()
    return made


def cosine(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_every_text_gets_a_unit_vector_in_order(model: EmbeddingModel) -> None:
    vectors = model.embed_passages(TEXTS)
    assert [len(vector) for vector in vectors] == [model.dimension] * len(TEXTS)
    for text, vector in zip(TEXTS, vectors, strict=True):
        assert math.sqrt(cosine(vector, vector)) == pytest.approx(1, abs=1e-5)
        assert cosine(vector, model.embed_passages([text])[0]) == pytest.approx(1, abs=1e-3)


def test_vectors_are_plain_numbers(model: EmbeddingModel) -> None:
    (vector,) = model.embed_passages(["red"])
    assert type(vector) is tuple
    assert {type(value) for value in vector} == {float}
    assert {type(value) for value in model.embed_query("red")} == {float}


def test_nothing_in_nothing_out(model: EmbeddingModel) -> None:
    assert list(model.embed_passages([])) == []


def test_a_batch_of_questions_gives_the_vectors_of_each(model: EmbeddingModel) -> None:
    together = model.embed_queries(TEXTS)
    assert len(together) == len(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        assert cosine(vector, model.embed_query(text)) == pytest.approx(1, abs=1e-3)
    assert list(model.embed_queries([])) == []


def test_progress_adds_up_to_the_number_of_texts(model: EmbeddingModel) -> None:
    heard: list[int] = []
    model.embed_passages(TEXTS * 10, heard.append)
    assert sum(heard) == len(TEXTS) * 10


def test_text_beyond_the_limit_is_ignored(model: EmbeddingModel) -> None:
    limit = model.max_tokens
    (whole, longer, other) = model.embed_passages(
        ["red " * limit, "red " * limit + "blue", "red " * (limit // 2) + "blue " * (limit // 2)]
    )
    assert whole == pytest.approx(longer, abs=1e-3)
    assert cosine(whole, other) < 0.999


@pytest.mark.parametrize("text", ["", "  ", "red sky", "  red\n\nsky. ", "\U0001f642 red"])
def test_token_spans_lie_in_the_text_in_order(model: EmbeddingModel, text: str) -> None:
    end = 0
    for span in model.token_spans(text):
        assert end <= span[0] < span[1] <= len(text)
        end = span[1]


def test_the_fingerprint_is_short_and_stable(model: EmbeddingModel) -> None:
    assert len(model.fingerprint) == 12
    before = model.fingerprint
    model.embed_query("red")
    assert model.fingerprint == before


@pytest.mark.parametrize("text", TEXTS)
def test_sparse_vectors_are_well_formed(encoder: SparseEncoder, text: str) -> None:
    for vector in (encoder.encode_passage(text), encoder.encode_query(text)):
        assert len(vector.indices) == len(vector.values) == len(set(vector.indices))
        assert all(0 <= index < 2**32 for index in vector.indices)
        assert all(value > 0 for value in vector.values)


@pytest.mark.parametrize("text", TEXTS)
def test_term_ids_are_those_of_a_question(encoder: SparseEncoder, text: str) -> None:
    assert encoder.term_ids(text) == frozenset(encoder.encode_query(text).indices)


def test_a_question_counts_its_terms_and_finds_its_passage(encoder: SparseEncoder) -> None:
    query = encoder.encode_query("blue sky sky")
    assert sorted(query.values) == [1.0, 2.0]
    assert set(query.indices) <= set(encoder.encode_passage("The sky, it was blue.").indices)
    assert not set(query.indices) & set(encoder.encode_passage("green grass").indices)


def test_repetition_weighs_more(encoder: SparseEncoder) -> None:
    once, twice = encoder.encode_passage("sky"), encoder.encode_passage("sky sky")
    assert once.indices == twice.indices
    assert once.values[0] < twice.values[0]


def test_sparse_fingerprints_are_stable(encoder: SparseEncoder) -> None:
    assert encoder.fingerprint == type(encoder)().fingerprint


def test_a_text_has_one_vector_whatever_it_is_embedded_with(model: EmbeddingModel) -> None:
    """Texts run together by length, and come back in the order that they were given in."""
    texts = ["red", "green grass . blue sky", "sky " * 40, "red", "blue . " * 9, "\u65e5\u672c"]
    alone = {text: model.embed_passages([text])[0] for text in texts}
    for order in (texts, texts[::-1], texts[2:] + texts[:2]):
        for text, vector in zip(order, model.embed_passages(order), strict=True):
            assert cosine(vector, alone[text]) == pytest.approx(1, abs=1e-3)


def test_threads_may_embed_at_the_same_time(model: EmbeddingModel) -> None:
    texts = ["red sky", "green grass", "blue . sky", "red . grass . blue"]
    expected = [model.embed_query(text) for text in texts]
    with ThreadPoolExecutor(4) as threads:
        rounds = list(threads.map(model.embed_query, texts * 6))
    for found, right in zip(rounds, expected * 6, strict=True):
        assert cosine(found, right) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("text", ["\0", "a\0b", "\u200b", "\ufeffred", "\r\n\t", "\U0010ffff"])
def test_characters_that_nobody_sees_do_no_harm(model: EmbeddingModel, text: str) -> None:
    vector = model.embed_query(text)
    assert all(math.isfinite(value) for value in vector)
    assert cosine(vector, vector) == pytest.approx(1, abs=1e-5)
    assert all(start < end <= len(text) for start, end in model.token_spans(text))


@given(st.text(max_size=60))
def test_any_text_has_terms_that_do_not_depend_on_case_or_form(text: str) -> None:
    encoder = Bm25Encoder()
    ids = encoder.term_ids(text)
    assert encoder.term_ids(unicodedata.normalize("NFKC", text)) == ids
    assert encoder.term_ids(f"{text} {text}") == ids
    assert frozenset(encoder.encode_passage(text).indices) == ids


@given(st.lists(st.sampled_from(["tide", "moon", "ebb", "sky"]), min_size=1, max_size=30))
def test_a_passage_weighs_its_terms_whatever_their_order(words: list[str]) -> None:
    encoder = Bm25Encoder()
    assert encoder.encode_passage(" ".join(words)) == encoder.encode_passage(
        " ".join(reversed(words))
    )
    weights = encoder.encode_passage(" ".join(words)).values
    assert all(0 < weight < 2.2 for weight in weights), "k1 + 1 is the most"


def test_a_longer_passage_weighs_the_same_word_less() -> None:
    encoder = Bm25Encoder()
    (term,) = encoder.term_ids("tide")
    weights = []
    for others in (0, 10, 100, 1000):
        vector = encoder.encode_passage("tide " + "moon " * others)
        weights.append(dict(zip(vector.indices, vector.values, strict=True))[term])
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 4
