"""The answer without a model: the sentences of the passages that bear on the question most."""

from llm_engineering.application.rag.citations import CitedText
from llm_engineering.application.rag.evidence import Evidence
from llm_engineering.application.rag.output_filter import without_links
from llm_engineering.domain.answers import Citation

# a sentence below bears on something else
RELEVANCE_MIN = 0.3
# the second sentence is added when it is nearly as good as the first
_SECOND_SHARE = 0.75
_NEAREST = 3


def extract(evidence: Evidence, least: float = RELEVANCE_MIN) -> CitedText:
    """Returns the best sentence or two, cited; no citations when none is as relevant as `least`."""
    best = [item for item in evidence.ranked[:2] if item[1] >= least]
    if len(best) > 1 and best[1][1] < _SECOND_SHARE * best[0][1]:
        best = best[:1]
    numbers: dict[int, int] = {}
    citations: list[Citation] = []
    parts: list[str] = []
    for source, score in best:
        n = numbers.setdefault(source.passage, len(numbers) + 1)
        citation = evidence.citation(n, source, score)
        if len(numbers) > len(citations):
            citations.append(citation)
        parts.append(f"{without_links(' '.join(citation.quote.split()))} [{n}]")
    return CitedText(" ".join(parts), tuple(citations), sources=tuple(one for one, _ in best))


def nearest(evidence: Evidence) -> tuple[Citation, ...]:
    """Returns the best sentence of each of the passages that come closest to the question."""
    best: dict[int, Citation] = {}
    for source, score in evidence.ranked:
        if source.passage not in best and len(best) < _NEAREST:
            best[source.passage] = evidence.citation(len(best) + 1, source, score)
    return tuple(best.values())
