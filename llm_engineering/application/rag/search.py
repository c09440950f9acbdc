"""A question on its way through the stages of retrieval."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from llm_engineering.application.rag.fusion import Ranking
from llm_engineering.application.rag.question_vectors import Wanted
from llm_engineering.application.rag.stages import Deadline
from llm_engineering.domain.embedded_chunks import SparseVector
from llm_engineering.domain.errors import PipelineError
from llm_engineering.domain.queries import EmbeddedQuery, Query, ScoredChunk, SearchFilters

_log = logging.getLogger(__name__)
_NO_FILTERS = SearchFilters()


@dataclass(frozen=True)
class Search:
    """One question on its way through the stages. `rankings` has the order after each stage.

    Without `whole`, the rankings go only as far as the `k` best passages need them.
    """

    query: Query
    k: int
    deadline: Deadline
    found_filters: SearchFilters = _NO_FILTERS
    relaxed: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    wanted: Wanted | None = None
    vectors: tuple[tuple[float, ...], ...] = ()
    term_weights: tuple[SparseVector, ...] = ()
    searched: tuple[Ranking, ...] = ()
    rankings: Mapping[str, Sequence[ScoredChunk]] = field(default_factory=dict)
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    degraded: Mapping[str, str] = field(default_factory=dict)
    reranker: str | None = None
    whole: bool = True

    @property
    def filters(self) -> SearchFilters:
        """Returns the filters in force: the caller's, completed by what the question says."""
        return self.query.filters.completed_by(self.found_filters.without(self.relaxed))

    def timed(self, **ms: float) -> "Search":
        """Returns the search with the time of stages noted."""
        return replace(self, timings_ms={**self.timings_ms, **ms})

    def without_stage(self, stage: str, error: Exception) -> "Search":
        """Returns the search with a stage named that was left out."""
        expected = isinstance(error, (PipelineError, TimeoutError))
        _log.warning("%s is left out: %s", stage, error, exc_info=None if expected else error)
        return replace(self, degraded={**self.degraded, stage: str(error)})

    def ranked(self, stage: str, ranking: Sequence[ScoredChunk]) -> "Search":
        """Returns the search with the order after a stage noted."""
        return replace(self, rankings={**self.rankings, stage: ranking})

    @property
    def queries(self) -> list[EmbeddedQuery]:
        """Returns every variant with its vectors and the filters in force, the question first."""
        vectors, filters = self.vectors or ((),) * len(self.variants), self.filters
        return [  # of checked parts: a second check would cost as much as a search
            EmbeddedQuery.model_construct(
                text=text, filters=filters, embedding=vector, sparse=weights
            )
            for text, vector, weights in zip(self.variants, vectors, self.term_weights, strict=True)
        ]
