"""The way from a question to the passages that may answer it."""

from collections.abc import Sequence
from typing import Literal

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnableParallel
from pydantic import ConfigDict, Field, SkipValidation

from llm_engineering.application.ports.models import EmbeddingModel, SparseEncoder
from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.application.rag.fusion import DENSE_WEIGHT, fuse
from llm_engineering.domain.queries import EmbeddedQuery, Query, ScoredChunk


class ContextRetriever(BaseRetriever):
    """Finds passages by meaning (dense) and by words (sparse), in parallel, and fuses them.

    `k` passages are returned out of `candidates` of each kind. Also a LangChain retriever:
    `invoke("question")` gives LangChain documents.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    index: SkipValidation[ChunkIndex]
    embedder: SkipValidation[EmbeddingModel]
    sparse_encoder: SkipValidation[SparseEncoder]
    k: int = Field(default=4, ge=1, le=100)
    candidates: int = Field(default=50, ge=1, le=1000)
    dense_weight: float = Field(default=DENSE_WEIGHT, ge=0.0, le=1.0)

    def retrieve(self, query: Query, k: int | None = None) -> list[ScoredChunk]:
        """Returns the best passages, best first, with the score of every stage.

        Raises:
            StoreUnavailable: the index cannot be reached.
            ModelError: the question cannot be embedded.
        """
        return self.flow.invoke(query)[: k or self.k]

    @property
    def flow(self) -> Runnable[Query, list[ScoredChunk]]:
        """The stages as one Runnable: embed, search both ways, fuse, drop repeated passages."""
        return (
            RunnableLambda(self._embed)
            | RunnableParallel(dense=self._search("dense"), sparse=self._search("sparse"))
            | RunnableLambda(self._fuse)
            | RunnableLambda(_without_repeats)
        )

    def _embed(self, query: Query) -> EmbeddedQuery:
        return EmbeddedQuery(
            text=query.text,
            filters=query.filters,
            embedding=self.embedder.embed_query(query.text),
            sparse=self.sparse_encoder.encode_query(query.text),
        )

    def _search(
        self, by: Literal["dense", "sparse"]
    ) -> RunnableLambda[EmbeddedQuery, Sequence[ScoredChunk]]:
        def search(query: EmbeddedQuery) -> Sequence[ScoredChunk]:
            return self.index.search(query, by=by, limit=self.candidates)

        return RunnableLambda(search)

    def _fuse(self, found: dict[str, Sequence[ScoredChunk]]) -> list[ScoredChunk]:
        return fuse(found["dense"], found["sparse"], dense_weight=self.dense_weight)

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
            for found in self.retrieve(Query(text=query))
        ]


def _without_repeats(ranking: list[ScoredChunk]) -> list[ScoredChunk]:
    """Returns the ranking without passages whose text came before: copies crowd out answers."""
    best: dict[str, ScoredChunk] = {}
    for found in ranking:
        best.setdefault(found.chunk.passage_hash, found)
    return list(best.values())
