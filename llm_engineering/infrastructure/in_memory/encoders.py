"""Encoders for tests and dry runs: no model, the same numbers everywhere.

Two texts are the closer, the more words they share.
"""

import hashlib
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence

from llm_engineering.domain.embedded_chunks import SparseVector
from llm_engineering.domain.ids import fingerprint

_TOKEN = re.compile(r"\w+|[^\w\s]")


class HashingEmbeddingModel:
    """Adds up one pseudo-random direction a word; implements EmbeddingModel.

    A token is a word or a punctuation mark. `embedded` counts the passages, so that a test can
    tell what was reused.
    """

    def __init__(self, dimension: int = 32, max_tokens: int = 64) -> None:
        self._dimension = dimension
        self._max_tokens = max_tokens
        self.embedded = 0

    @property
    def fingerprint(self) -> str:
        """Names the two parameters."""
        return fingerprint("hashing", self._dimension, self._max_tokens)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """Tokens that are read."""
        return self._max_tokens

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Returns the spans of words and punctuation marks."""
        return [match.span() for match in _TOKEN.finditer(text)]

    def embed_passages(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Sequence[tuple[float, ...]]:
        """Returns a unit vector for each text."""
        self.embedded += len(texts)
        if on_done:
            on_done(len(texts))
        return [self._vector(text) for text in texts]

    def embed_query(self, text: str) -> tuple[float, ...]:
        """Returns the unit vector of the question."""
        return self._vector(text)

    def embed_queries(self, texts: Sequence[str]) -> Sequence[tuple[float, ...]]:
        """Returns the unit vector of every question."""
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> tuple[float, ...]:
        tokens = _TOKEN.findall(text.lower())[: self._max_tokens]
        sums = [0.0] * self._dimension
        for token, count in Counter(tokens).items():
            signs = int.from_bytes(hashlib.shake_128(token.encode()).digest(self._dimension))
            for place in range(self._dimension):
                sums[place] += count if signs >> place & 1 else -count
        sums[0] += 1e-9  # a text without a word has a direction too
        length = math.sqrt(sum(value * value for value in sums))
        return tuple(value / length for value in sums)


class WordSparseEncoder:
    """Gives every lower-cased word the weight of its count; implements SparseEncoder."""

    @property
    def fingerprint(self) -> str:
        """Names the rule."""
        return fingerprint("words")

    def encode_passage(self, text: str) -> SparseVector:
        """Returns how often each word occurs."""
        counts = Counter(zlib.crc32(word.encode()) for word in _words(text))
        indices = tuple(sorted(counts))
        return SparseVector(indices=indices, values=tuple(float(counts[i]) for i in indices))

    def encode_query(self, text: str) -> SparseVector:
        """Returns how often each word occurs."""
        return self.encode_passage(text)

    def term_ids(self, text: str) -> frozenset[int]:
        """Returns which words occur."""
        return frozenset(self.encode_query(text).indices)


class WordOverlapScorer:
    """Scores a passage by the share of the question's words it has; implements PairScorer.

    `scored` counts the passages, so that a test can tell what was reranked.
    """

    def __init__(self) -> None:
        self.scored = 0

    @property
    def fingerprint(self) -> str:
        """Names the rule."""
        return fingerprint("word-overlap")

    def score(self, query: str, passages: Sequence[str]) -> Sequence[float]:
        """Returns 0.0 (no word) to 1.0 (all words) for each passage."""
        self.scored += len(passages)
        words = set(_words(query))
        return [len(words & set(_words(text))) / max(len(words), 1) for text in passages]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
