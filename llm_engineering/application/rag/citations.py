"""Citations: which span of which passage carries each sentence of an answer.

The marks that a small model writes are not trusted: every sentence is looked up in the passages.
A sentence is supported by a passage when

- the passage holds at least SUPPORT_MIN of the words that the sentence adds to the question,
- every number, name and identifier of the sentence is in the passage or in the question, and
- a sentence of the passage means about the same (cosine of at least COSINE_MIN).

Of the passages that support it, the one with the best sentence is cited.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from llm_engineering.application.ports.models import EmbeddingModel, SparseEncoder
from llm_engineering.domain.answers import Citation
from llm_engineering.domain.queries import ScoredChunk

SUPPORT_MIN = 0.6
COSINE_MIN = 0.5

# numbers, snake_case and camelCase identifiers, and capitalised words inside a sentence
_SPECIFIC = re.compile(r"\d+(?:[.,]\d+)*|\w+_\w+|[a-z]+[A-Z]\w*|(?<=[a-z,] )[A-Z][\w.]*\w")
_MARK = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")
_SENTENCE_END = re.compile(
    r"""(?:(?<=[.!?])|(?<=[.!?]["')\]]))\s+(?=["'(\[`A-Z0-9])|\n\s*\n|\n(?=\s*[-*#|>])"""
)


@dataclass(frozen=True)
class CitedText:
    """An answer whose sentences carry marks `[n]`, and the citations they refer to."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True)
class _Sentence:
    """A sentence of a passage: its span in the chunk's text, and its vector."""

    passage: int
    start: int
    end: int
    vector: tuple[float, ...]


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Returns start and end (exclusive) of each sentence, list item or paragraph."""
    edges = [0]
    for gap in _SENTENCE_END.finditer(text):
        edges += [gap.start(), gap.end()]
    edges.append(len(text))
    spans = [_trimmed(text, *pair) for pair in zip(edges[::2], edges[1::2], strict=True)]
    return [(start, end) for start, end in spans if start < end]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    inner = text[start:end]
    return start + len(inner) - len(inner.lstrip()), end - len(inner) + len(inner.rstrip())


class CitationChecker:
    """Looks every sentence of an answer up in the passages it was made from."""

    def __init__(self, embedder: EmbeddingModel, sparse_encoder: SparseEncoder) -> None:
        self._embedder = embedder
        self._sparse_encoder = sparse_encoder

    def cite(self, question: str, answer: str, found: Sequence[ScoredChunk]) -> CitedText:
        """Returns the answer with a mark after each supported sentence; other marks are gone.

        No citations means that no sentence is supported.
        """
        bare = _MARK.sub("", answer).strip()
        spans = sentence_spans(bare)
        if not spans or not found:
            return CitedText(bare, ())
        sources = self._sentences(found)
        vectors = self._embedder.embed_passages([bare[start:end] for start, end in spans])
        citations: dict[int, Citation] = {}
        parts: list[str] = []
        position = 0
        for (start, end), vector in zip(spans, vectors, strict=True):
            parts.append(bare[position:end])
            position = end
            best = self._best(question, bare[start:end], vector, found, sources)
            if best:
                source, score = best
                known = citations.setdefault(
                    source.passage, _citation(len(citations) + 1, found, source, score)
                )
                parts.append(f" [{known.n}]")
        return CitedText("".join([*parts, bare[position:]]), tuple(citations.values()))

    def _sentences(self, found: Sequence[ScoredChunk]) -> list[_Sentence]:
        spans = [
            (passage, start, end)
            for passage, item in enumerate(found)
            for start, end in sentence_spans(item.chunk.text)
        ]
        texts = [found[passage].chunk.text[start:end] for passage, start, end in spans]
        vectors = self._embedder.embed_passages(texts)
        return [_Sentence(*span, vector) for span, vector in zip(spans, vectors, strict=True)]

    def _best(
        self,
        question: str,
        sentence: str,
        vector: tuple[float, ...],
        found: Sequence[ScoredChunk],
        sources: Sequence[_Sentence],
    ) -> tuple[_Sentence, float] | None:
        """Returns the source sentence that carries `sentence`, with its score (0.0-1.0)."""
        support = [self._support(question, sentence, item) for item in found]
        scored = [
            (source, cosine, support[source.passage])
            for source in sources
            if support[source.passage] >= SUPPORT_MIN
            and (cosine := _dot(vector, source.vector)) >= COSINE_MIN
        ]
        if not scored:
            return None
        source, cosine, share = max(scored, key=lambda item: item[1] + item[2])
        return source, round(min(1.0, (cosine + share) / 2), 4)

    def _support(self, question: str, sentence: str, item: ScoredChunk) -> float:
        """Returns the share (0.0-1.0) of the words new in `sentence` that the passage holds.

        It is 0.0 when a number, name or identifier is nowhere to be found.
        """
        said = set(self._sparse_encoder.encode_query(sentence).indices)
        new = said - set(self._sparse_encoder.encode_query(question).indices) or said
        passage = f"{item.chunk.title}\n{item.chunk.passage}"
        if any(word not in f"{question}\n{passage}" for word in _SPECIFIC.findall(sentence)):
            return 0.0
        there = set(self._sparse_encoder.encode_query(passage).indices)
        return len(new & there) / len(new) if new else 0.0


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _citation(n: int, found: Sequence[ScoredChunk], source: _Sentence, score: float) -> Citation:
    chunk = found[source.passage].chunk
    return Citation(
        n=n,
        document_id=chunk.document_id,
        revision=chunk.revision,
        url=chunk.url,
        title=chunk.title,
        author=chunk.author_full_name,
        start=chunk.start + source.start,
        end=chunk.start + source.end,
        quote=chunk.text[source.start : source.end],
        score=score,
    )
