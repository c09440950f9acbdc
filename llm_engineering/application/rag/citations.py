"""Citations: which span of which passage carries each sentence of an answer.

The marks that a small model writes are not trusted: every sentence is looked up in the passages
(see `Evidence`), and of the passages that support it the one with the best sentence is cited.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from llm_engineering.application.ports.models import EmbeddingModel, SparseEncoder
from llm_engineering.application.rag.evidence import Evidence, SourceSentence
from llm_engineering.application.rag.output_filter import without_links
from llm_engineering.application.rag.sentences import sentence_spans
from llm_engineering.domain.answers import Citation, Verification
from llm_engineering.domain.queries import ScoredChunk

_MARK = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")

# the second full stop of "It is so. [1]."
_MARK_AND_STOP = re.compile(r"(?<=[.!?])\s*\[\d+\]\.")


@dataclass(frozen=True)
class CitedText:
    """An answer whose sentences carry marks `[n]`, and the citations they refer to.

    `unsupported` has the spans of the text that no passage supports; `sources` the sentences that
    carry the others.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[tuple[int, int], ...] = ()
    sources: tuple[SourceSentence, ...] = ()


class CitationChecker:
    """Looks every sentence of an answer up in the passages it was made from."""

    def __init__(self, embedder: EmbeddingModel, sparse_encoder: SparseEncoder) -> None:
        self._embedder = embedder
        self._sparse_encoder = sparse_encoder

    def evidence(self, question: str, found: Sequence[ScoredChunk]) -> Evidence:
        """Returns the sentences of the passages; nothing is embedded before it is needed."""
        return Evidence(question, found, self._embedder, self._sparse_encoder)

    def cite(
        self, evidence: Evidence, answer: str, verify: Verification = Verification.FLAG
    ) -> CitedText:
        """Returns the answer with a mark after each supported sentence; other marks are gone.

        Sentences without support are flagged, or with `strict` taken out. Links to anything but a
        cited source are taken out. No citations means that no sentence is supported.
        """
        bare = without_marks(answer)
        spans = sentence_spans(bare)
        carried = evidence.supporting([bare[start:end] for start, end in spans])
        known = _numbered(evidence, carried)
        urls = {citation.url for citation in known.values()}
        text, position = "", 0
        unsupported: list[tuple[int, int]] = []
        for (start, end), best in zip(spans, carried, strict=True):
            gap, position = bare[position:start], end
            if best is None and verify is Verification.STRICT:
                continue
            text += gap if text else ""
            begin = len(text)
            text += without_links(bare[start:end], urls)
            if best is None:
                unsupported.append((begin, len(text)))
            else:
                text += f" [{known[best[0].passage].n}]"
        sources = tuple(best[0] for best in carried if best)
        return CitedText(text, tuple(known.values()), tuple(unsupported), sources)


def without_marks(answer: str) -> str:
    """Returns the answer without the marks `[n]` that the model wrote."""
    return _MARK.sub("", _MARK_AND_STOP.sub("", answer)).strip()


def _numbered(
    evidence: Evidence, carried: Sequence[tuple[SourceSentence, float] | None]
) -> dict[int, Citation]:
    """Returns a citation for each passage that is cited, in the order of the answer."""
    known: dict[int, Citation] = {}
    for source, score in filter(None, carried):
        if source.passage not in known:
            known[source.passage] = evidence.citation(len(known) + 1, source, score)
    return known
