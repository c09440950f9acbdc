"""Haystack: its documents' splitter, both in-memory retrievers and its joiner."""

from collections.abc import Iterable, Sequence

from haystack import Document as Passage
from haystack.components.joiners import DocumentJoiner
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.retrievers.in_memory import (
    InMemoryBM25Retriever,
    InMemoryEmbeddingRetriever,
)
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)

from benchmarks.rival_stacks.measuring import Document, measure, whole_text

DEPTH = 30


class Haystack:
    """Its own BM25 beside vectors in memory, fused by reciprocal ranks."""

    def __init__(self, model: str) -> None:
        self._of_passages = SentenceTransformersDocumentEmbedder(model=model, progress_bar=False)
        self._of_question = SentenceTransformersTextEmbedder(model=model, progress_bar=False)
        for one in (self._of_passages, self._of_question):
            one.warm_up()
        self._splitter = DocumentSplitter()
        self._splitter.warm_up()
        self._store = InMemoryDocumentStore()
        self._words = InMemoryBM25Retriever(self._store, top_k=DEPTH)
        self._vectors = InMemoryEmbeddingRetriever(self._store, top_k=DEPTH)
        self._joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion")

    def ingest(self, documents: Sequence[Document]) -> None:
        """Splits, embeds and indexes the documents."""
        pages = [Passage(content=whole_text(one), meta={"of": one["id"]}) for one in documents]
        passages = self._splitter.run(pages)["documents"]
        self._store.write_documents(self._of_passages.run(passages)["documents"])

    def search(self, question: str, depth: int) -> Iterable[str]:
        """Returns the documents' ids of the best passages, best first."""
        vector = self._of_question.run(question)["embedding"]
        words = self._words.run(question)["documents"]
        vectors = self._vectors.run(vector)["documents"]
        joined = self._joiner.run([words, vectors])["documents"]
        return [found.meta["of"] for found in joined[:depth]]


if __name__ == "__main__":
    measure(Haystack)
