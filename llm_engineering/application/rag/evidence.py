"""Evidence: the sentences of the passages that were read for a question, and what they carry."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from llm_engineering.application.ports.models import EmbeddingModel, SparseEncoder
from llm_engineering.application.rag.sentences import sentence_spans
from llm_engineering.domain.answers import Citation
from llm_engineering.domain.queries import ScoredChunk

SUPPORT_MIN = 0.6
COSINE_MIN = 0.5
# a sentence that holds so much of what a claim adds is its quotation; meanings are not compared
QUOTED_MIN = 0.9
# only so many sentences are embedded, those with most of the words: it is what checking costs
_COMPARED = 5
_RANKED = 8
# what an answer rests on has so much of the question's words, and of those that the best sentence
# has; both weighted by rarity
BEARING_SHARE = 0.7
BEARING_MIN = 0.2
# a passage is read if it has so much of the question's words that the best passage has
_READ_SHARE = 0.5

_NEGATED = re.compile(
    r"\b(?:not|no|never|none|nothing|nobody|neither|nor|without|cannot|non)\b|n['\u2019]t\b"
    r"|\w(?:-free|less)\b",
    re.I,
)
_PRONOUN = re.compile(r"(?:It|Its|They|Their|He|His|She|Her|This|These|Those|That)\b")
# "…, as stated in the passage": words about the passages are in none of them
_OF_PASSAGES = re.compile(
    r"\b(?:as (?:stated|mentioned|described|explained|noted|shown)(?: in| by)?|according to"
    r"|based on) (?:the |this )?(?:(?:first|given|provided) )?(?:passage|source|text)s?\b",
    re.I,
)
_INITIALS = 2  # letters: US is U.S. elsewhere

# numbers, snake_case and camelCase identifiers, and capitalised words inside a sentence
_SPECIFIC = re.compile(r"\d+(?:[.,]\d+)*|\w+_\w+|[a-z]+[A-Z]\w*|(?<=[a-z,] )[A-Z][\w.]*\w")
# capitalised words in a row, such as a person's first and last name
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w.]*\w(?: [A-Z][\w.]*\w)+")


@dataclass(frozen=True)
class SourceSentence:
    """A sentence of a passage: its span in the chunk's text, its words, and its terms."""

    passage: int
    start: int
    end: int
    text: str
    terms: frozenset[int]


class Evidence:
    """Looks claims, and the question itself, up in the passages. Raises what the embedder raises.

    A passage supports a claim when

    - it holds at least SUPPORT_MIN of the words that the claim adds to the question (a claim that
      adds none says nothing),
    - every number, name and identifier of the claim is in the passage or in the question, and
    - a sentence of it says the same in the same words (QUOTED_MIN of those new in the claim), or
      means about the same (cosine of at least COSINE_MIN).
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

    def worth_reading(self) -> list[ScoredChunk]:
        """Returns the passages that a model has to read, in their order.

        They are the first, whose words may be others than the question's, and those that have at
        least half of the question's words that any has, rarer words counting more.
        """
        shares = [self._weight(terms) for terms in self._passage_terms]
        least = _READ_SHARE * max(shares, default=0.0)
        return [one for n, one in enumerate(self.found) if n == 0 or shares[n] >= least]

    def supporting(self, claims: Sequence[str]) -> list[tuple[SourceSentence, float] | None]:
        """Returns for each claim the sentence that carries it best, and how well (0.0-1.0)."""
        quoted = [self._quoted(claim) for claim in claims]
        open_claims = [claim for claim, found in zip(claims, quoted, strict=True) if not found]
        meant = iter(self._meant(open_claims))
        return [found or next(meant) for found in quoted]

    def repeats_question(self, claims: Sequence[str]) -> bool:
        """Returns whether the claims add no word to the question."""
        return not any(map(self._added, claims))

    def bears_on_question(self, sources: Iterable[SourceSentence]) -> bool:
        """Returns whether one of the sentences has nearly as much of the question as any other.

        One that begins with a pronoun has what the one before it has. Only words count: meanings
        decided no better, and would cost more than all the rest of the check.
        """
        read = [one for source in sources for one in (source, *self._antecedent(source))]
        most = max(map(self._shared, self._sentences), default=0.0)
        words = max(map(self._shared, read), default=0.0)
        return words >= max(BEARING_MIN, BEARING_SHARE * most)

    def _antecedent(self, source: SourceSentence) -> Sequence[SourceSentence]:
        place = self._sentences.index(source)
        if not _PRONOUN.match(source.text) or place == 0:
            return ()
        before = self._sentences[place - 1]
        return (before,) if before.passage == source.passage else ()

    def names_what_is_asked(self, sources: Sequence[SourceSentence]) -> bool:
        """Returns whether the passages of the sentences have what singles the question out.

        That is its names, numbers and identifiers, the words of one name beside each other; and
        where the question says *not*, one of the sentences does so, too.
        """
        read = {one.passage for one in sources}
        text = "\n".join(_whole(self.found[passage]) for passage in read)
        if not all(_stands_together(name, text) for name in self._full_names()):
            return False
        there = frozenset[int]().union(*(self._passage_terms[one.passage] for one in sources))
        names = [word for word in _SPECIFIC.findall(self.question) if len(word) > _INITIALS]
        if any(not self._terms(name) <= there for name in names):
            return False
        return not _NEGATED.search(self.question) or any(
            _NEGATED.search(one.text) for one in sources
        )

    def may_answer(self) -> bool:
        """Returns whether all passages together have what singles the question out.

        Where they lack it, so do any of them that an answer may rest on.
        """
        return bool(self._sentences) and self.names_what_is_asked(self._sentences)

    def _full_names(self) -> Sequence[str]:
        """Returns the names of several words in the question; a title-cased one has none."""
        plain = any(word.islower() and self._terms(word) for word in self.question.split())
        return _NAME.findall(self.question) if plain else ()

    @cached_property
    def ranked(self) -> list[tuple[SourceSentence, float]]:
        """The sentences by how well they bear on the question (0.0-1.0), the best first.

        Half of the score is the share of the question's words, the rarer ones counting more; the
        other half is the cosine.
        """
        best = sorted(self._sentences, key=self._shared, reverse=True)[:_RANKED]
        if not best:
            return []
        asked = self._embedder.embed_query(self.question)
        vectors = self._embedder.embed_passages([one.text for one in best])
        scored = [
            (one, (self._shared(one) + max(0.0, _dot(asked, vector))) / 2)
            for one, vector in zip(best, vectors, strict=True)
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
        return [
            SourceSentence(passage, start, end, text, self._terms(text))
            for passage, item in enumerate(self.found)
            for start, end in sentence_spans(item.chunk.text)
            if (text := item.chunk.text[start:end])
        ]

    @cached_property
    def _asked(self) -> frozenset[int]:
        return self._terms(self.question)

    @cached_property
    def _passage_terms(self) -> list[frozenset[int]]:
        around = [self._terms(_headings(item)) for item in self.found]
        return [
            heading.union(*(one.terms for one in self._sentences if one.passage == passage))
            for passage, heading in enumerate(around)
        ]

    @cached_property
    def _rarity(self) -> dict[int, float]:
        """The weight of each word of the question: ln(1 + sentences / sentences that have it)."""
        held = Counter(term for one in self._sentences for term in one.terms & self._asked)
        many = len(self._sentences)
        return {term: math.log1p(many / (1 + held[term])) for term in self._asked}

    def _shared(self, source: SourceSentence) -> float:
        return self._weight(source.terms)

    def _weight(self, terms: frozenset[int]) -> float:
        """Returns the share (0.0-1.0) of the question's words that is among the terms."""
        held = sum(self._rarity[term] for term in terms & self._asked)
        return held / self._whole if held else 0.0

    @cached_property
    def _whole(self) -> float:
        return sum(self._rarity.values())

    def _quoted(self, claim: str) -> tuple[SourceSentence, float] | None:
        """Returns the sentence that says the claim in its own words."""
        scored = [
            (source, share)
            for source, share in self._holding(claim)
            if share >= QUOTED_MIN and self._specifics_in(claim, source.text)
        ]
        return max(scored, key=lambda item: (item[1], self._shared(item[0])), default=None)

    def _meant(self, claims: Sequence[str]) -> list[tuple[SourceSentence, float] | None]:
        """Returns for each claim the sentence that means it best, of those with most words."""
        compared = [
            sorted(self._holding(claim), key=lambda item: item[1], reverse=True)[:_COMPARED]
            for claim in claims
        ]
        texts = list(dict.fromkeys(one.text for some in compared for one, _ in some))
        if not texts:
            return [None] * len(claims)
        embedded = self._embedder.embed_passages([*claims, *texts])
        vectors = dict(zip(texts, embedded[len(claims) :], strict=True))
        return [
            self._nearest(claim, vector, some, vectors)
            for claim, vector, some in zip(claims, embedded, compared, strict=False)
        ]

    def _nearest(
        self,
        claim: str,
        vector: Sequence[float],
        compared: Sequence[tuple[SourceSentence, float]],
        vectors: Mapping[str, Sequence[float]],
    ) -> tuple[SourceSentence, float] | None:
        scored = [
            (one, (cosine + self._support(claim, one.passage)) / 2)
            for one, _ in compared
            if (cosine := _dot(vector, vectors[one.text])) >= COSINE_MIN
        ]
        return max(scored, key=lambda item: item[1]) if scored else None

    def _holding(self, claim: str) -> list[tuple[SourceSentence, float]]:
        """Returns the sentences of the supporting passages, and their shares of the new words."""
        wanted = self._added(claim)
        support = [self._support(claim, passage) for passage in range(len(self.found))]
        return [
            (one, len(wanted & one.terms) / len(wanted) if wanted else 0.0)
            for one in self._sentences
            if support[one.passage] >= SUPPORT_MIN
        ]

    def _added(self, claim: str) -> frozenset[int]:
        return self._terms(_OF_PASSAGES.sub(" ", claim)) - self._asked

    def _specifics_in(self, claim: str, text: str) -> bool:
        known = f"{self.question}\n{text}"
        return all(word in known for word in _SPECIFIC.findall(claim))

    def _support(self, claim: str, passage: int) -> float:
        """Returns the share (0.0-1.0) of the words new in `claim` that the passage holds.

        It is 0.0 when a number, name or identifier is nowhere to be found.
        """
        new = self._added(claim)
        if not self._specifics_in(claim, _whole(self.found[passage])):
            return 0.0
        return len(new & self._passage_terms[passage]) / len(new) if new else 0.0

    def _terms(self, text: str) -> frozenset[int]:
        return self._sparse_encoder.term_ids(text)


def _stands_together(name: str, text: str) -> bool:
    """Returns whether each two words of a name follow on one another, at most one between them."""
    words = [re.escape(word) for word in name.split()]
    gap = r"\W+(?:\w+\W+)?"
    return all(
        re.search(rf"\b(?:{one}{gap}{other}|{other}{gap}{one})", text, re.I)
        for one, other in pairwise(words)
    )


def _whole(item: ScoredChunk) -> str:
    return f"{item.chunk.title}\n{item.chunk.passage}"


def _headings(item: ScoredChunk) -> str:
    return "\n".join([item.chunk.title, *item.chunk.heading_path])


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
