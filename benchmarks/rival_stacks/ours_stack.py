"""This project: the feature pipeline and `ContextRetriever` with the defaults in configs/."""

import atexit
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.rival_stacks.measuring import Document, measure
from benchmarks.rival_stacks.processes import mentioning
from llm_engineering.application.evaluation.collection import collection_url
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.ids import document_id
from llm_engineering.domain.queries import Query
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.settings import load_config, load_settings
from pipelines.feature import run_feature

ROOT = Path(__file__).parents[2]


class Ours:
    """The embedded MongoDB and Qdrant's engine, in a folder that is deleted afterwards."""

    def __init__(self, model: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        settings = load_settings(
            DATA_DIR=Path(self._folder.name),
            MODELS_DIR=Path(model).parents[1],
            RAG_CONFIG=ROOT / "configs/rag.yaml",
        )
        self._platform = Platform(settings)
        atexit.register(self.close)
        self._platform.embedding_model.embed_queries(["load"])
        self._platform.document_store.ping()
        self.servers = mentioning(self._folder.name)  # mongod and its keeper
        features = load_config(ROOT / "configs/feature.yaml", FeatureConfig)
        copies = features.duplicates.model_copy(update={"enabled": False})  # they were judged
        self._features = features.model_copy(update={"duplicates": copies})

    def ingest(self, documents: Sequence[Document]) -> None:
        """Stores, cleans, splits, embeds and indexes the documents."""
        for one in documents:
            self._platform.document_store.save(_page(one))
        self._names = {document_id(collection_url(one["id"])): one["id"] for one in documents}
        run_feature(self._platform, self._features, SilentProgress())
        self._retriever = self._platform.retriever()

    def search(self, question: str, depth: int) -> Iterable[str]:
        """Returns the documents' ids of the best passages, best first."""
        found = self._retriever.retrieve(Query(text=question), depth).passages
        return [self._names[one.chunk.document_id] for one in found]

    def close(self) -> None:
        """Stops the embedded MongoDB and deletes what was stored."""
        self._platform.close()
        self._folder.cleanup()


def _page(document: Document) -> ArticleDocument:
    title, text = document["title"], document["text"]
    return ArticleDocument.create(
        url=collection_url(document["id"]),
        title=title,
        content=f"# {title}\n\n{text}" if title else text,
        platform="collection",
        fetched_at=datetime.min.replace(tzinfo=UTC),
    )


if __name__ == "__main__":
    measure(Ours)
