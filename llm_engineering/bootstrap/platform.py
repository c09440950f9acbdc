"""All of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from llm_engineering.bootstrap.observing import Observing
from llm_engineering.settings import EMBEDDED


class Platform(Observing):
    """Everything a command or a service works with, made from its settings.

    `progress` shows downloads of models; None shows nothing.
    """

    @contextmanager
    def scratch(self) -> Iterator["Platform"]:
        """Yields a platform with empty stores, gone after the block, and the models of this one."""
        from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
        from llm_engineering.infrastructure.in_memory.likeness_store import InMemoryLikenessStore

        with TemporaryDirectory(dir=self.folder("scratch"), prefix="run-") as folder:
            settings = self.settings.model_copy(
                update={
                    "DATA_DIR": Path(folder),
                    "QDRANT_DATABASE_HOST": EMBEDDED,
                    "USE_QDRANT_CLOUD": False,
                }
            )
            with Platform(settings, self._progress) as scratch:
                scratch.document_store = InMemoryDocumentStore()
                scratch.likeness_store = InMemoryLikenessStore()
                scratch.embedding_model = self.embedding_model
                scratch.sparse_encoder = self.sparse_encoder
                yield scratch
