"""What a text says, apart from how it is set: its sentences, its shingles, and their MinHash keys.

Shingles are runs of five words, and the resemblance of two texts is the Jaccard index of their
sets of shingles (Broder 1997, "On the resemblance and containment of documents"; five words as in
Lee et al. 2022, "Deduplicating training data makes language models better"). MinHash keeps, for
each of 100 hash functions, the smallest hash of a set; two sets agree in one of them with the
probability of their Jaccard index J. The 100 values make 20 keys of 5, so that two texts share a
key with probability 1 - (1 - J^5)^20: .9996 at J = .8, .05 at J = .3.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import chain

Sentence = tuple[str, ...]

SHINGLE_WORDS = 5
KEYS, VALUES_A_KEY = 20, 5
_64_BITS = 2**64

_CODE = re.compile(r"(```.*?```|~~~.*?~~~|`[^`\n]+`)", re.DOTALL)
_CODE_WORDS = re.compile(r"\w+|[^\w\s`]")
_LINK_TARGETS = re.compile(
    r"\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|<?\bhttps?://[^\s<>)]+[^\s<>).,;:!?]>?"
)
_ENDS = re.compile(
    r"\n\s*\n|\n(?=\s{0,3}(?:#|[-*+>|]\s|\d+[.)]\s))|(?<=[.!?])\s+|(?<=[.!?][\"'”)*_])\s+"
)
_WORDS = re.compile(r"[-+]?[$€£¥]?\d+(?:[.,:]\d+)*%?|[^\W_]+(?:'[^\W_]+)*")
# what sites put between the paragraphs of an article, in words that articles seldom have
_FURNITURE = re.compile(
    r"\b(?:advertisements?|subscribe|newsletter|sign up|follow us|share this"
    r"|related (?:posts?|articles?)|read (?:more|next|also)|cookies?"
    r"|(?:originally|first) (?:published|appeared|posted))\b"
)
_FURNITURE_WORDS = 20  # at most


def sentences(text: str) -> list[Sentence]:
    """Returns the words of each sentence, heading and piece of code, in the order of the text.

    Prose is in lower case and without Markdown; numbers keep their sign, currency and percent.
    Code keeps every character but spaces. Where links lead does not count, nor do short sentences
    that advertise the site.
    """
    parts = _CODE.split(text)
    said = chain.from_iterable(
        [tuple(_CODE_WORDS.findall(part))] if position % 2 else _prose(part)
        for position, part in enumerate(parts)
    )
    return [sentence for sentence in said if sentence and not _is_furniture(sentence)]


def shingles(words: Sequence[str]) -> set[int]:
    """Returns the shingles as hashes of 64 bits: one for each run of five words."""
    runs = zip(*(words[start:] for start in range(SHINGLE_WORDS)), strict=False)
    return {_hash(" ".join(run)) for run in runs}


def resemblance(one: Set[object], other: Set[object]) -> float:
    """Returns the Jaccard index of two sets, 0.0 to 1.0; that of two empty ones is 0.0."""
    common = len(one & other)
    return common / (len(one) + len(other) - common) if common else 0.0


def minhash_keys(hashes: Iterable[int]) -> tuple[int, ...]:
    """Returns the 20 keys of a set of shingles, signed numbers of 64 bits; none of an empty one."""
    import numpy as np  # noqa: PLC0415 - takes 80 ms to import

    values = np.fromiter(hashes, dtype=np.uint64)
    if not len(values):
        return ()
    factors, offsets = (
        np.array([_hash(f"{name} {n}") for n in range(KEYS * VALUES_A_KEY)], dtype=np.uint64)
        for name in ("factor", "offset")
    )
    # multiply-shift hashing: the upper bits of an odd multiple, modulo 2^64 (Dietzfelbinger 1997)
    hashed = (factors | np.uint64(1))[:, None] * values[None, :] + offsets[:, None]
    smallest = (hashed >> np.uint64(32)).min(axis=1).reshape(KEYS, VALUES_A_KEY)
    return tuple(_signed(_hash(f"{n} {row.tolist()}")) for n, row in enumerate(smallest))


def exact_key(*parts: str) -> int:
    """Returns a key that only the very same strings have."""
    return _signed(_hash("\x00".join(parts)))


def _prose(text: str) -> Iterator[Sentence]:
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    for sentence in _ENDS.split(_LINK_TARGETS.sub("] ", plain)):
        yield tuple(_WORDS.findall(sentence))


def _is_furniture(sentence: Sentence) -> bool:
    return len(sentence) <= _FURNITURE_WORDS and bool(_FURNITURE.search(" ".join(sentence)))


def _hash(text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _signed(number: int) -> int:
    """Returns the number as MongoDB keeps it: 64 bits, one of them the sign."""
    return number - _64_BITS if number >= _64_BITS // 2 else number
