"""txtai: hybrid embeddings with content, as its documentation has them. Documents stay whole."""

from collections.abc import Iterable, Sequence

from txtai import Embeddings

from benchmarks.rival_stacks.measuring import Document, measure, whole_text


class Txtai:
    """Faiss beside txtai's own BM25, scores added by halves."""

    def __init__(self, model: str) -> None:
        self._embeddings = Embeddings(path=model, hybrid=True, content=True, gpu=False)

    def ingest(self, documents: Sequence[Document]) -> None:
        """Indexes the documents."""
        self._embeddings.index((one["id"], whole_text(one), None) for one in documents)

    def search(self, question: str, depth: int) -> Iterable[str]:
        """Returns the documents' ids, best first."""
        return [found["id"] for found in self._embeddings.search(question, depth)]


if __name__ == "__main__":
    measure(Txtai)
