"""LlamaIndex: fusion of its vector index and its BM25 retriever, with its default splitter."""

from collections.abc import Iterable, Sequence

from llama_index.core import Document as Page
from llama_index.core import VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.retrievers.bm25 import BM25Retriever

from benchmarks.rival_stacks.measuring import Document, measure, whole_text

DEPTH = 30


class LlamaIndex:
    """bm25s beside vectors in memory, fused by reciprocal ranks; no rephrasings."""

    def __init__(self, model: str) -> None:
        self._embeddings = HuggingFaceEmbedding(model_name=model, device="cpu")

    def ingest(self, documents: Sequence[Document]) -> None:
        """Splits, embeds and indexes the documents."""
        pages = [Page(text=whole_text(one), metadata={"of": one["id"]}) for one in documents]
        for page in pages:  # or it would be embedded and searched
            page.excluded_embed_metadata_keys = ["of"]
            page.excluded_llm_metadata_keys = ["of"]
        nodes = SentenceSplitter().get_nodes_from_documents(pages)
        index = VectorStoreIndex(nodes, embed_model=self._embeddings)
        self._retriever = QueryFusionRetriever(
            [
                index.as_retriever(similarity_top_k=DEPTH),
                BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=DEPTH),
            ],
            llm=MockLLM(),
            mode="reciprocal_rerank",
            similarity_top_k=DEPTH,
            num_queries=1,
            use_async=False,
        )

    def search(self, question: str, depth: int) -> Iterable[str]:
        """Returns the documents' ids of the best passages, best first."""
        return [found.node.metadata["of"] for found in self._retriever.retrieve(question)[:depth]]


if __name__ == "__main__":
    measure(LlamaIndex)
