"""The way from a question to the passages that may answer it.

self-query ∥ expansion → embed → dense ∥ sparse → fuse → relevance feedback → rerank → top k

The searches bring in ids and scores; texts are read of those that can still be among the top k.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import combinations
from time import perf_counter
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, SkipValidation

from llm_engineering.application.ports.models import EmbeddingModel, SparseEncoder
from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.application.rag.config import RagConfig
from llm_engineering.application.rag.crew import Crew
from llm_engineering.application.rag.flow import Flow, Stage
from llm_engineering.application.rag.fusion import Ranking, fuse
from llm_engineering.application.rag.passages import Passages, read_passages
from llm_engineering.application.rag.question_vectors import QuestionVectors
from llm_engineering.application.rag.relevance_feedback import SCORE, with_relevance_feedback
from llm_engineering.application.rag.reranking import Reranker
from llm_engineering.application.rag.search import Search
from llm_engineering.application.rag.self_query import SelfQueryResult
from llm_engineering.application.rag.stages import Deadline, Outcome, in_time, outcome
from llm_engineering.domain.errors import ModelError, StoreUnavailable
from llm_engineering.domain.queries import (
    Arm,
    EmbeddedQuery,
    Query,
    Retrieval,
    ScoredChunk,
    SearchFilters,
)

# Share of the deadline after which a stage that can be left out is: the search needs the rest.
_UNDERSTAND_UNTIL = 0.5
_EMBED_UNTIL = 0.75
# Together the rephrasings weigh as much as the question itself.
_VARIANTS_WEIGHT = 1.0


class ContextRetriever(BaseRetriever):
    """Finds passages by meaning (dense) and by words (sparse), fuses and reranks them.

    Also a LangChain retriever: `invoke("question")` gives LangChain documents. A stage that is
    None is not there; one that fails or is late is left out and named in `degraded`. `at_once`
    questions are searched for at the same time; how long others wait counts as theirs.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    index: SkipValidation[ChunkIndex]
    embedder: SkipValidation[EmbeddingModel]
    sparse_encoder: SkipValidation[SparseEncoder]
    config: RagConfig = RagConfig()
    self_query: SkipValidation[Runnable[Query, SelfQueryResult] | None] = None
    expansion: SkipValidation[Runnable[Query, Sequence[str]] | None] = None
    reranker: SkipValidation[Reranker | None] = None
    at_once: int = 4
    timer: Callable[[], float] = perf_counter

    def retrieve(self, query: Query, k: int | None = None) -> Retrieval:
        """Returns the best `k` passages, best first, and how they were found.

        Raises:
            StoreUnavailable: the index cannot be reached, or does not answer in time.
            InvalidInput: the index was made with another embedding model.
            ModelError: the question cannot be embedded, and words are not searched for.
        """
        done = self._run(query, k, whole=False)
        return Retrieval(
            passages=tuple(done.rankings["top"]),
            considered=tuple(done.rankings.get("rerank", done.rankings["capped"])),
            found_filters=done.found_filters,
            relaxed=done.relaxed,
            variants=done.variants,
            timings_ms={**done.timings_ms, "total": done.deadline.used_ms()},
            degraded=dict(done.degraded),
            reranker=done.reranker,
        )

    def warm_up(self) -> None:
        """Loads the models, however long it takes, so that no question's deadline pays for it.

        Raises:
            ModelError: one of them cannot be loaded.
        """
        if self.config.dense_weight:
            self._question_vectors.warm_up()
        if self.reranker and self.config.rerank.enabled:
            self.reranker.warm_up()

    def trace(self, query: Query, k: int | None = None) -> Search:
        """Returns the whole way of a question, every ranking kept.

        Raises what `retrieve` raises.
        """
        return self._run(query, k, whole=True)

    def _run(self, query: Query, k: int | None, *, whole: bool) -> Search:
        deadline = Deadline(self.config.deadline_s, self.timer)
        return self.flow.invoke(Search(query, k or self.config.k, deadline, whole=whole))

    @cached_property
    def flow(self) -> Runnable[Search, Search]:
        """The stages as one Runnable."""
        return Flow(
            Stage(
                "understand",
                self._understand,
                self._not_understood,
                self._understand_until,
                waits=True,
            ),
            Stage("embed", self._embed, self._not_embedded, _EMBED_UNTIL),
            Stage("search", self._search, _not_found),
            Stage("fuse", self._fuse, _not_found),
            Stage("rerank", self._rerank, _not_reranked),
            Stage("select", _select, _not_found),
            at_once=self.at_once,
        )

    def _understand(self, search: Search) -> Search:
        """Reads filters out of the question and rephrases it, at the same time."""
        calls = {
            name: partial(reader.invoke, search.query) for name, reader in self._readers.items()
        }
        search = replace(search, variants=(search.query.text,))
        for name, done in self._outcomes(calls, search.deadline).items():
            search = search.timed(**{name: done.ms})
            if done.error:
                search = search.without_stage(name, done.error)
            elif name == "expansion":
                search = replace(search, variants=tuple(done.result()))
            else:
                search = _with_filters(search, done.result())
        return self._wanting_vectors(search)

    @cached_property
    def _readers(self) -> Mapping[str, Runnable[Query, Any]]:
        """What reads the question."""
        readers = {"self_query": self.self_query, "expansion": self.expansion}
        return {name: reader for name, reader in readers.items() if reader}

    @property
    def _understand_until(self) -> float:
        """Several look after their time themselves: each is left out for itself."""
        return 1.0 if len(self._readers) > 1 else _UNDERSTAND_UNTIL

    def _outcomes(
        self, calls: Mapping[str, Callable[[], Any]], deadline: Deadline
    ) -> Mapping[str, Outcome[Any]]:
        """Returns what becomes of the calls; one alone needs no thread of its own."""
        if len(calls) > 1:
            return in_time(self._crew, calls, deadline, _UNDERSTAND_UNTIL)
        return {name: outcome(call, deadline.timer) for name, call in calls.items()}

    def _not_understood(self, search: Search, late: TimeoutError) -> Search:
        search = replace(search, variants=(search.query.text,))
        for name in self._readers:
            search = search.without_stage(name, late)
        return self._wanting_vectors(search)

    def _wanting_vectors(self, search: Search) -> Search:
        """Returns the search, which waits for its turn from here on and may be taken along."""
        if self.config.dense_weight == 0.0:
            return search
        return replace(search, wanted=self._question_vectors.want(search.variants))

    @cached_property
    def _question_vectors(self) -> QuestionVectors:
        return QuestionVectors(self.embedder)

    def _embed(self, search: Search) -> Search:
        """Gives every variant its vectors, in one batch."""
        search = self._with_terms(search)
        wanted = search.wanted
        if wanted is None:
            return search
        done = outcome(lambda: self._question_vectors.of(wanted), search.deadline.timer)
        timed = search.timed(embed=done.ms)
        if done.error:
            return self._without_vectors(timed, done.error)
        return replace(timed, vectors=done.result())

    def _with_terms(self, search: Search) -> Search:
        encode = self.sparse_encoder.encode_query
        return replace(search, term_weights=tuple(map(encode, search.variants)))

    def _not_embedded(self, search: Search, late: TimeoutError) -> Search:
        return self._without_vectors(self._with_terms(search), late)

    def _without_vectors(self, search: Search, error: Exception) -> Search:
        if self.config.dense_weight == 1.0:
            raise _as_model_error(error) from error
        return search.without_stage("embed", error)

    def _search(self, search: Search) -> Search:
        """Searches both ways; gives up filters of the question's own that leave nothing."""
        began = search.deadline.used_ms()
        own = search.found_filters.without(search.query.filters.restricted).restricted
        for relaxed in _relaxations(own):
            attempt = replace(search, relaxed=relaxed)
            searched = self._rankings(attempt)
            if any(ranking.found for ranking in searched) or self._passes_any(attempt.filters):
                break
        else:
            attempt = search
        done = replace(attempt, searched=searched)
        return done.timed(search=round(done.deadline.used_ms() - began, 3))

    def _passes_any(self, filters: SearchFilters) -> bool:
        """Returns whether chunks pass the filters, if there are any chunks."""
        live = self.index.live()
        return live is None or self.index.count(live, filters) > 0

    def _rankings(self, search: Search) -> tuple[Ranking, ...]:
        weights = self._weights(search)
        queries, others = search.queries, len(search.variants) - 1
        jobs: list[tuple[Arm, float, EmbeddedQuery]] = [
            (arm, weight * (_VARIANTS_WEIGHT / others if n else 1.0), query)
            for arm, weight in weights.items()
            if weight
            for n, query in enumerate(queries)
        ]
        searches = [(arm, query) for arm, _, query in jobs]
        found = self.index.candidates(searches, limit=self.config.candidates)
        return tuple(
            Ranking(arm, candidates, weight)
            for (arm, weight, _), candidates in zip(jobs, found, strict=True)
        )

    def _weights(self, search: Search) -> dict[Arm, float]:
        """Returns the weight of each search."""
        dense = self.config.share_of_dense(sum(search.term_weights[0].values))
        return {"dense": dense if search.vectors else 0.0, "sparse": 1.0 - dense}

    def _fuse(self, search: Search) -> Search:
        """Makes one ranking of all; drops copies; gives other documents their turn."""
        began = search.deadline.used_ms()
        passages = self._passages(search)
        if passages.lost:  # another state of the index was published in between
            search = self._search(search)
            passages = self._passages(search)
        if search.whole:
            search = _with_searches(search, passages)
        search = _with_fused(search, passages.fused).ranked("distinct", passages.distinct)
        search = search.ranked("capped", passages.capped)
        return search.timed(fuse=round(search.deadline.used_ms() - began, 3))

    def _passages(self, search: Search) -> Passages:
        """Fuses what was found, and reads as many passages as are looked at from here on."""
        reranked = self.config.rerank.candidates if self._reranks else 0
        needed = None if search.whole else max(search.k, reranked)
        fused = fuse(search.searched, self.config.fusion)
        ordered = with_relevance_feedback(
            self.index,
            fused,
            self._weights(search),
            self.config.relevance_feedback,
            self.config.fusion,
        )
        return read_passages(self.index, ordered, self.config.per_source_cap, needed)

    @property
    def _reranks(self) -> bool:
        return self.reranker is not None and self.config.rerank.enabled

    def _rerank(self, search: Search) -> Search:
        """Has the pair scorer read the first passages."""
        reranker, ordered = self.reranker, search.rankings["capped"]
        if reranker is None or not self.config.rerank.enabled or not ordered:
            return search
        done = outcome(lambda: reranker.rerank(search.query.text, ordered), search.deadline.timer)
        search = search.timed(rerank=done.ms)
        if done.error:
            return search.without_stage("rerank", done.error)
        return replace(search.ranked("rerank", done.result()), reranker=reranker.name)

    @cached_property
    def _crew(self) -> Crew:
        return Crew()

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain's signature
    ) -> list[Document]:
        return [
            Document(
                id=str(found.chunk.id),
                page_content=found.chunk.passage,
                metadata={
                    **found.chunk.model_dump(mode="json", exclude={"text", "id"}),
                    "scores": found.scores,
                },
            )
            for found in self.retrieve(Query(text=query)).passages
        ]


def _not_found(_: Search, late: TimeoutError) -> Search:
    raise StoreUnavailable(f"the index did not answer: {late}") from late


def _not_reranked(search: Search, late: TimeoutError) -> Search:
    return search.without_stage("rerank", late)


def _select(search: Search) -> Search:
    best = search.rankings.get("rerank", search.rankings["capped"])
    return search.ranked("top", best[: search.k])


def _with_filters(search: Search, found: SelfQueryResult) -> Search:
    search = replace(search, found_filters=found.filters)
    if found.degraded:
        search = replace(search, degraded={**search.degraded, "self_query": found.degraded})
    return search


def _relaxations(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Returns what to give up, first nothing, then as little as can be, the surest last."""
    return [chosen for n in range(len(names) + 1) for chosen in combinations(names, n)]


def _with_fused(search: Search, found: Sequence[ScoredChunk]) -> Search:
    """Returns the search with the fused ranking, and that after relevance feedback if any."""
    if not (found and SCORE in found[0].scores):
        return search.ranked("fusion", found)
    before = sorted(found, key=lambda one: -one.scores["fusion"])
    return search.ranked("fusion", before).ranked(SCORE, found)


def _with_searches(search: Search, passages: Passages) -> Search:
    """Returns the search with what each of the searches found, the question's own of each kind."""
    chunks = {found.chunk.id: found.chunk for found in passages.fused}
    for ranking in reversed(search.searched):  # the question's own comes last, and stays
        found = [
            ScoredChunk(chunk=chunks[one.id], scores={ranking.stage: one.score})
            for one in ranking.found
            if one.id in chunks
        ]
        search = search.ranked(ranking.stage, found)
    return search


def _as_model_error(error: Exception) -> Exception:
    late = isinstance(error, TimeoutError)
    return ModelError(f"the embedder: {error}", transient=True) if late else error
