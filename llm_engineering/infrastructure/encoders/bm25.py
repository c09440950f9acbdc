"""Sparse term weights for BM25: the term's side here, the inverse document frequency in the index.

Weights and defaults are those of Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework:
BM25 and Beyond", eq. 3.15, split between encoder and index as Qdrant does it
(https://huggingface.co/Qdrant/bm25, fastembed's `Bm25`): a fixed average length instead of the
corpus's, so that a chunk's weights do not depend on the other chunks.
"""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from threading import Lock

from Stemmer import Stemmer

from llm_engineering.domain.embedded_chunks import SparseVector
from llm_engineering.domain.ids import fingerprint

_WORD = re.compile(r"\w+")
_REMEMBERED = 2**16  # words whose terms are kept, some 20 MB: texts repeat their words
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
# function words; not "no", "not" and "only", which change what a sentence says, nor "re", a module
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a about above after again all am an and any are as at be because been before being below "
        "between both but by can did do does doing down during each few for from further had has "
        "have having he her here hers herself him himself his how i if in into is it its itself "
        "just ll me more most my myself of on once or other our ours ourselves out over own s same "
        "she should so some such t than that the their theirs them themselves then there these "
        "they this those through to too under until up ve very was we were what when where which "
        "while who whom why will with would you your yours yourself yourselves",
    )
)


class Bm25Encoder:
    """Turns texts into term weights; implements SparseEncoder.

    Args:
        k1: how soon repetitions of a term stop to count.
        b: how much long texts are held back, 0.0 to 1.0.
        average_length: terms in a typical chunk (chunks of at most 220 tokens of prose and code).
    """

    def __init__(self, k1: float = 1.2, b: float = 0.75, average_length: float = 80.0) -> None:
        self._k1 = k1
        self._b = b
        self._average_length = average_length
        self._stemmer = Stemmer("english")
        self._lock = Lock()  # a stemmer is not safe to share
        self._terms_of = lru_cache(_REMEMBERED)(self._stemmed)
        self._ids_of = lru_cache(_REMEMBERED)(self._numbered)

    @property
    def fingerprint(self) -> str:
        """Names the rules for terms and the parameters."""
        return fingerprint("bm25-2", self._k1, self._b, self._average_length)

    def encode_passage(self, text: str) -> SparseVector:
        """Returns `tf (k1 + 1) / (tf + k1 (1 - b + b length / average length))` for each term."""
        terms = self.terms(text)
        long = 1 - self._b + self._b * len(terms) / self._average_length
        return _vector(
            {
                term: count * (self._k1 + 1) / (count + self._k1 * long)
                for term, count in Counter(terms).items()
            }
        )

    def encode_query(self, text: str) -> SparseVector:
        """Returns how often each term occurs: what a long question repeats is what it is about.

        (Eq. 3.15 with k3 at infinity. Without it, nDCG@10 of requests of several sentences falls.)
        """
        return _vector({term: float(count) for term, count in Counter(self.terms(text)).items()})

    def term_ids(self, text: str) -> frozenset[int]:
        """Returns the indices of `encode_query` alone."""
        return frozenset[int]().union(*map(self._ids_of, _words(text)))

    def terms(self, text: str) -> list[str]:
        """Returns the stems of the words in order, stop words left out.

        An identifier such as `snake_case` or `camelCase` gives itself and its parts.
        """
        return [term for word in _words(text) for term in self._terms_of(word)]

    def _numbered(self, word: str) -> tuple[int, ...]:
        return tuple(map(_index, self._terms_of(word)))

    def _stemmed(self, word: str) -> tuple[str, ...]:
        words = [part for part in _parts(word) if part not in _STOP_WORDS]
        with self._lock:
            return tuple(self._stemmer.stemWords(words))


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text))


def _parts(word: str) -> Iterator[str]:
    """Yields the word, and what an identifier consists of."""
    yield word.lower()
    if "_" in word or not (word.islower() or word.istitle() or word.isupper()):
        parts = _PART.findall(word)
        if parts != [word]:
            yield from map(str.lower, parts)


def _index(term: str) -> int:
    return zlib.crc32(term.encode())


def _vector(weights: dict[str, float]) -> SparseVector:
    """Returns the weights by the terms' 32-bit checksums; terms with the same one are added."""
    by_index: dict[int, float] = {}
    for term, weight in weights.items():
        index = _index(term)
        by_index[index] = by_index.get(index, 0.0) + weight
    indices = tuple(sorted(by_index))
    return SparseVector(indices=indices, values=tuple(by_index[index] for index in indices))
