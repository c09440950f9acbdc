import math

import pytest

from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordOverlapScorer,
    WordSparseEncoder,
)

MODEL = HashingEmbeddingModel()


def cosine(one: str, other: str) -> float:
    return sum(a * b for a, b in zip(MODEL.embed_query(one), MODEL.embed_query(other), strict=True))


@pytest.mark.parametrize("text", ["", "one", "one two", "..."])
def test_vectors_have_unit_length(text: str) -> None:
    (vector,) = MODEL.embed_passages([text])
    assert len(vector) == MODEL.dimension
    assert math.isclose(sum(value**2 for value in vector), 1)


def test_shared_words_bring_texts_together() -> None:
    question = "how are chunks embedded"
    assert cosine(question, "chunks are embedded in batches") > cosine(question, "a red bicycle")
    assert cosine(question, question) == pytest.approx(1)


def test_passages_and_questions_share_the_space_and_passages_are_counted() -> None:
    model = HashingEmbeddingModel()
    heard: list[int] = []
    assert model.embed_passages(["one", "two"], heard.append)[1] == model.embed_query("two")
    assert (model.embedded, heard) == (2, [2])


def test_what_is_beyond_the_limit_is_not_read() -> None:
    model = HashingEmbeddingModel(max_tokens=2)
    assert model.embed_query("one two three") == model.embed_query("one two")


def test_token_spans_are_real() -> None:
    text = "So, snake_case!"
    assert [text[a:b] for a, b in MODEL.token_spans(text)] == ["So", ",", "snake_case", "!"]


def test_word_weights_are_counts() -> None:
    vector = WordSparseEncoder().encode_passage("One two one")
    assert sorted(vector.values) == [1.0, 2.0]
    assert set(WordSparseEncoder().encode_query("two").indices) <= set(vector.indices)
    assert WordSparseEncoder().encode_passage("!").indices == ()


def test_questions_in_a_batch_are_not_counted_as_passages() -> None:
    model = HashingEmbeddingModel()
    assert model.embed_queries(["one", "two"])[1] == model.embed_query("two")
    assert model.embedded == 0


def test_overlap_is_the_share_of_the_questions_words() -> None:
    scorer = WordOverlapScorer()
    passages = ["One and two.", "two", "three", ""]
    assert scorer.score("one two", passages) == [1.0, 0.5, 0.0, 0.0]
    assert scorer.score("?", ["one"]) == [0.0]
    assert scorer.scored == 5
