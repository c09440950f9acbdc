"""Evidence: the sentences of the passages that were read for a question, and what they carry."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from llm_engineering.application.ports.models import EmbeddingModel, SparseEncoder
from llm_engineering.application.rag.sentences import sentence_spans
from llm_engineering.domain.answers import Citation
from llm_engineering.domain.queries import ScoredChunk

SUPPORT_MIN = 0.6
COSINE_MIN = 0.5

# numbers, snake_case and camelCase identifiers, and capitalised words inside a sentence
_SPECIFIC = re.compile(r"\d+(?:[.,]\d+)*|\w+_\w+|[a-z]+[A-Z]\w*|(?<=[a-z,] )[A-Z][\w.]*\w")


@dataclass(frozen=True)
class SourceSentence:
    """A sentence of a passage: its span in the chunk's text, its vector, and its terms."""

    passage: int
    start: int
    end: int
    vector: tuple[float, ...]
    terms: frozenset[int]


class Evidence:
    """Looks claims, and the question itself, up in the passages. Raises what the embedder raises.

    A passage supports a claim when

    - it holds at least SUPPORT_MIN of the words that the claim adds to the question,
    - every number, name and identifier of the claim is in the passage or in the question, and
    - a sentence of it means about the same (cosine of at least COSINE_MIN).
    """

    def __init__(
        self,
        question: str,
        found: Sequence[ScoredChunk],
        embedder: EmbeddingModel,
        sparse_encoder: SparseEncoder,
    ) -> None:
        self.question = question
        self.found = found
        self._embedder = embedder
        self._sparse_encoder = sparse_encoder

    def supporting(self, claims: Sequence[str]) -> list[tuple[SourceSentence, float] | None]:
        """Returns for each claim the sentence that carries it best, and how well (0.0-1.0)."""
        if not claims:
            return []
        vectors = self._embedder.embed_passages(claims)
        return [self._best(*pair) for pair in zip(claims, vectors, strict=True)]

    @cached_property
    def ranked(self) -> list[tuple[SourceSentence, float]]:
        """The sentences by how well they bear on the question (0.0-1.0), the best first.

        Half of the score is the share of the question's words, the rarer ones counting more; the
        other half is the cosine.
        """
        if not self._sentences:
            return []
        asked = self._embedder.embed_query(self.question)
        scored = [
            (one, (self._shared(one) + max(0.0, _dot(asked, one.vector))) / 2)
            for one in self._sentences
        ]
        return sorted(scored, key=lambda item: item[1], reverse=True)

    def citation(self, n: int, source: SourceSentence, score: float) -> Citation:
        """Returns the citation `[n]` of a sentence."""
        chunk = self.found[source.passage].chunk
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
            score=round(min(1.0, score), 4),
        )

    @cached_property
    def _sentences(self) -> list[SourceSentence]:
        spans = [
            (passage, start, end)
            for passage, item in enumerate(self.found)
            for start, end in sentence_spans(item.chunk.text)
        ]
        if not spans:
            return []
        texts = [self.found[passage].chunk.text[start:end] for passage, start, end in spans]
        vectors = self._embedder.embed_passages(texts)
        return [
            SourceSentence(*span, vector, self._terms(text))
            for span, vector, text in zip(spans, vectors, texts, strict=True)
        ]

    @cached_property
    def _asked(self) -> frozenset[int]:
        return self._terms(self.question)

    @cached_property
    def _passage_terms(self) -> list[frozenset[int]]:
        return [self._terms(_whole(item)) for item in self.found]

    @cached_property
    def _rarity(self) -> dict[int, float]:
        """The weight of each word of the question: ln(1 + sentences / sentences that have it)."""
        held = Counter(term for one in self._sentences for term in one.terms & self._asked)
        many = len(self._sentences)
        return {term: math.log1p(many / (1 + held[term])) for term in self._asked}

    def _shared(self, source: SourceSentence) -> float:
        whole = sum(self._rarity.values())
        return (
            sum(self._rarity[term] for term in source.terms & self._asked) / whole if whole else 0
        )

    def _best(self, claim: str, vector: Sequence[float]) -> tuple[SourceSentence, float] | None:
        support = [self._support(claim, passage) for passage in range(len(self.found))]
        scored = [
            (source, cosine, support[source.passage])
            for source in self._sentences
            if support[source.passage] >= SUPPORT_MIN
            and (cosine := _dot(vector, source.vector)) >= COSINE_MIN
        ]
        if not scored:
            return None
        source, cosine, share = max(scored, key=lambda item: item[1] + item[2])
        return source, (cosine + share) / 2

    def _support(self, claim: str, passage: int) -> float:
        """Returns the share (0.0-1.0) of the words new in `claim` that the passage holds.

        It is 0.0 when a number, name or identifier is nowhere to be found.
        """
        said = self._terms(claim)
        new = said - self._asked or said
        known = f"{self.question}\n{_whole(self.found[passage])}"
        if any(word not in known for word in _SPECIFIC.findall(claim)):
            return 0.0
        return len(new & self._passage_terms[passage]) / len(new) if new else 0.0

    def _terms(self, text: str) -> frozenset[int]:
        return frozenset(self._sparse_encoder.encode_query(text).indices)


def _whole(item: ScoredChunk) -> str:
    return f"{item.chunk.title}\n{item.chunk.passage}"


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
