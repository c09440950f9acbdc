"""LangChain: the ensemble of BM25 and a vector store, with its tutorial's splitter."""

from collections.abc import Iterable, Sequence

from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.retrievers import BM25Retriever
from langchain_core.documents import Document as Passage
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from benchmarks.rival_stacks.measuring import Document, measure, whole_text

DEPTH = 30


class LangChain:
    """rank-bm25 beside vectors in memory, fused by reciprocal ranks."""

    def __init__(self, model: str) -> None:
        self._embeddings = HuggingFaceEmbeddings(model_name=model)
        self._splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)

    def ingest(self, documents: Sequence[Document]) -> None:
        """Splits, embeds and indexes the documents."""
        passages = self._splitter.split_documents(
            [Passage(whole_text(one), metadata={"of": one["id"]}) for one in documents]
        )
        vectors = InMemoryVectorStore.from_documents(passages, self._embeddings)
        words = BM25Retriever.from_documents(passages, k=DEPTH)
        self._retriever = EnsembleRetriever(
            retrievers=[words, vectors.as_retriever(search_kwargs={"k": DEPTH})],
            weights=[0.5, 0.5],
        )

    def search(self, question: str, depth: int) -> Iterable[str]:
        """Returns the documents' ids of the best passages, best first."""
        return [found.metadata["of"] for found in self._retriever.invoke(question)[:depth]]


if __name__ == "__main__":
    measure(LangChain)
