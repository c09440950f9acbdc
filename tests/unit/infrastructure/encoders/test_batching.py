from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Encoding, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from llm_engineering.infrastructure.encoders.batching import batches_by_length, padded, unit


def encoded(lengths: Sequence[int]) -> list[Encoding]:
    tokenizer = Tokenizer(WordLevel({"x": 5}, unk_token="x"))  # noqa: S106 - a word
    tokenizer.pre_tokenizer = Whitespace()
    encodings: list[Encoding] = tokenizer.encode_batch(["x " * length for length in lengths])
    return encodings


@given(st.lists(st.integers(0, 60), max_size=200))
def test_every_text_is_in_one_batch_and_the_longest_come_first(lengths: list[int]) -> None:
    batches = list(batches_by_length(encoded(lengths)))
    assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
    widest = [max(8, -(-lengths[rows[0]] // 8) * 8) for rows in batches]
    assert all(len(rows) * width <= 1536 for rows, width in zip(batches, widest, strict=True))
    full = zip(batches[:-1], widest, strict=False)
    assert all((len(rows) + 1) * width > 1536 for rows, width in full)
    ordered = [lengths[row] for rows in batches for row in rows]
    assert ordered == sorted(lengths, reverse=True)


def test_a_text_too_long_for_company_runs_alone() -> None:
    assert list(batches_by_length(encoded([2000, 4000, 1530, 3]))) == [[1], [0], [2], [3]]


@pytest.mark.parametrize(
    ("lengths", "width"), [([1], 8), ([8, 2], 8), ([9], 16), ([60, 3], 60), ([0], 0)]
)
def test_widths_are_few_and_within_the_limit(lengths: list[int], width: int) -> None:
    batch = padded(encoded(lengths), pad=7, limit=60)
    assert {name: ids.shape for name, ids in batch.items()} == {
        name: (len(lengths), width) for name in ("input_ids", "attention_mask", "token_type_ids")
    }
    for row, length in enumerate(lengths):
        assert batch["input_ids"][row].tolist() == [5] * length + [7] * (width - length)
        assert batch["attention_mask"][row].sum() == length


def test_vectors_get_length_one_and_nothing_stays_nothing() -> None:
    vectors = np.asarray([[3.0, 4.0], [0.0, 0.0]], np.float32)
    assert unit(vectors).tolist() == [pytest.approx([0.6, 0.8]), [0.0, 0.0]]
