"""Why not? A question is retrieved as always, and the way of one document is read off the trace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from llm_engineering.application.ports.likeness import LikenessStore
from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.application.rag.retriever import ContextRetriever
from llm_engineering.application.rag.search import Search
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.explanations import Explanation, Fate, StageReport
from llm_engineering.domain.ids import canonical_url, document_id, user_id
from llm_engineering.domain.queries import Arm, Query, ScoredChunk, SearchFilters

_DEEPEST = 1000  # ranks beyond that are not told apart
_STAGES = ("dense", "sparse", "fusion", "relevance_feedback", "distinct", "capped", "rerank")
_ARMS: tuple[Arm, Arm] = ("dense", "sparse")


class RetrievalExplainer:
    """Says what became of a document, stage by stage.

    Args:
        retriever: its own flow is run, with everything that was ranked kept.
        store: knows documents that are stored, gone or buried.
        likenesses: knows what is left out as a copy.
    """

    def __init__(
        self, retriever: ContextRetriever, store: DocumentStore, likenesses: LikenessStore
    ) -> None:
        self.retriever = retriever
        self._store = store
        self._likenesses = likenesses

    def explain(self, query: Query, url: str, k: int | None = None) -> Explanation:
        """Returns the way of the document at `url`.

        Raises:
            InvalidInput: `url` is no URL.
            StoreUnavailable: a store cannot be reached.
        """
        identity = document_id(url)
        search = self.retriever.trace(query, k)
        only_it = SearchFilters(document_ids=(identity,))
        chunk = self._indexed(only_it)
        if chunk is None:
            fate, reason = self._not_indexed(identity)
            return _explanation(url, fate, reason, search)
        if refused := _refusals(search, chunk):
            return _explanation(url, Fate.FILTERED, refused, search)
        probes = self._probes(search, only_it)
        way = _Way(identity, search, probes, self.retriever.config.candidates)
        deep = self._probes(search, search.filters) if way.misses_a_search() else {}
        stages = way.stages(deep)
        fate, reason = way.verdict()
        return _explanation(url, fate, reason, search, stages)

    def _probes(
        self, search: Search, filters: SearchFilters
    ) -> Mapping[Arm, Sequence[ScoredChunk]]:
        """Returns what each search finds for the question under other filters, much deeper down."""
        asked = replace(search, query=Query(text=search.query.text, filters=filters))
        asked = replace(asked, found_filters=SearchFilters())
        arms = [arm for arm in _ARMS if arm in search.rankings]
        return {
            arm: self.retriever.index.search(asked.queries[0], by=arm, limit=_DEEPEST)
            for arm in arms
        }

    def _indexed(self, only_it: SearchFilters) -> Chunk | None:
        """Returns a chunk of the document: what can be filtered by is the same in all of them."""
        index = self.retriever.index
        live = index.live()
        return next(iter(index.scroll(live, only_it)), None) if live else None

    def _not_indexed(self, identity: UUID) -> tuple[Fate, str]:
        buried = {tombstone.id: tombstone for tombstone in self._store.tombstones()}
        if identity in buried:
            return Fate.TOMBSTONED, f"it was forgotten on {buried[identity].at:%d %B %Y}"
        stored = self._store.current(identity)
        if stored is None:
            if self._store.revisions(identity):
                return Fate.GONE, "its page is no more: the last crawl did not find it"
            return Fate.UNKNOWN, "no document of that URL is stored: poe run-etl --link URL"
        author = stored.author_full_name
        if author and user_id(author) in buried:
            return Fate.TOMBSTONED, f"all that {author} wrote was forgotten"
        original = self._likenesses.links().get(identity)
        if original:
            other = self._store.current(original)
            where = other.url if other else f"document {original}"
            return Fate.DUPLICATE, f"{where} says the same, and is indexed in its place"
        return Fate.NOT_INDEXED, "it is stored, and not in the live index: poe run-feature"


@dataclass(frozen=True)
class _Way:
    """The ranks of one document in a trace. `probes` searched among its own passages alone."""

    identity: UUID
    search: Search
    probes: Mapping[Arm, Sequence[ScoredChunk]]
    candidates: int

    def misses_a_search(self) -> bool:
        """Returns whether one of the searches did not bring the document in."""
        return any(
            self._best(self.search.rankings[arm]) is None
            for arm in _ARMS
            if arm in self.search.rankings
        )

    def stages(self, deep: Mapping[Arm, Sequence[ScoredChunk]]) -> tuple[StageReport, ...]:
        """Returns the report of every stage that ran; `deep` are both searches without a limit."""
        reports = []
        for stage in _STAGES:
            ranking = self.search.rankings.get(stage)
            if ranking is None:
                continue
            rank = self._best(ranking)
            report = StageReport(stage=stage, rank=rank, of=len(ranking))
            if rank:
                found = ranking[rank - 1]  # a stage that only drops leaves the score as it was
                value = found.scores.get(stage, found.score)
                report = report.model_copy(update={"score": value, "note": self._moved(stage)})
            else:
                report = report.model_copy(update=self._absent(stage, deep))
            reports.append(report)
        return tuple(reports)

    def verdict(self) -> tuple[Fate, str]:
        """Returns what became of the document in the end."""
        k, ranks = self.search.k, self.search.rankings
        final = ranks.get("rerank", ranks["capped"])
        rank = self._best(final)
        if rank and rank <= k:
            return Fate.FOUND, f"its best passage is number {rank} of {k}"
        if rank is None:
            if self._best(ranks["fusion"]):
                return Fate.REPEATED, self._twin()
            return (
                Fate.OUTSIDE_CANDIDATES,
                f"none of its passages is among the {self.candidates} best of a search",
            )
        before = self._rank("capped")
        if "rerank" in ranks and before <= k:
            return Fate.RERANKED_BELOW, f"the reranker moved it from {before} to {rank}; k is {k}"
        return Fate.BELOW_K, f"its best passage is number {rank}; k is {k}"

    def _rank(self, stage: str) -> int:
        return self._best(self.search.rankings[stage]) or _DEEPEST

    def _best(self, ranking: Sequence[ScoredChunk]) -> int | None:
        return next(
            (
                rank
                for rank, found in enumerate(ranking, start=1)
                if found.chunk.document_id == self.identity
            ),
            None,
        )

    def _moved(self, stage: str) -> str | None:
        if stage == "capped":
            return self._held_back()
        before = self._rank("capped")
        if stage == "rerank" and before != self._rank(stage):
            return f"moved from {before} to {self._rank(stage)}"
        return None

    def _held_back(self) -> str | None:
        """Returns how many passages wait for other documents: never the best one."""
        order = {found.chunk.id: n for n, found in enumerate(self.search.rankings["distinct"])}
        after = [order[found.chunk.id] for found in self.search.rankings["capped"]]
        own = [
            place
            for place, found in enumerate(self.search.rankings["capped"])
            if found.chunk.document_id == self.identity and place > after[place]
        ]
        return f"capped: {len(own)} more of its passages wait for other documents" if own else None

    def _absent(
        self, stage: str, deep: Mapping[Arm, Sequence[ScoredChunk]]
    ) -> dict[str, str | float | None]:
        for arm in _ARMS:
            if stage == arm:
                own = self.probes.get(arm) or ()
                if not own:
                    return {"note": "it has none of the question's words"}
                rank = self._best(deep.get(arm, ()))
                place = f"it is number {rank}" if rank else f"it is beyond number {_DEEPEST}"
                return {
                    "score": own[0].score,
                    "note": f"outside the {self.candidates} candidates: {place}",
                }
        if stage == "distinct" and self._best(self.search.rankings["fusion"]):
            return {"note": self._twin()}
        return {"note": "not among what came in"}

    def _twin(self) -> str:
        fused = self.search.rankings.get("relevance_feedback", self.search.rankings["fusion"])
        own = fused[(self._best(fused) or _DEEPEST) - 1].chunk
        twin = next(f.chunk for f in fused if f.chunk.passage_hash == own.passage_hash)
        return f"a passage of {twin.url} has the same text, and ranks before it"


def _refusals(search: Search, chunk: Chunk) -> str:
    """Returns which filters keep a document out, with what it has instead."""
    has = {
        "authors": chunk.author_full_name or "no author",
        "platforms": chunk.platform,
        "categories": chunk.category.value,
        "published": f"{chunk.published:%d %B %Y}" if chunk.published else "no date",
        "document_ids": str(chunk.document_id),
    }
    asked = search.query.filters.restricted
    said = []
    for name in search.filters.refused(chunk):
        whose = "caller" if name in asked else "question"
        said.append(f"{name} of the {whose}: it has {has[name]}")
    return "; ".join(said)


def _explanation(
    url: str, fate: Fate, reason: str, search: Search, stages: tuple[StageReport, ...] = ()
) -> Explanation:
    return Explanation(
        url=canonical_url(url),
        fate=fate,
        reason=reason,
        stages=stages,
        filters=search.filters,
        relaxed=search.relaxed,
        degraded=tuple(search.degraded),
    )
