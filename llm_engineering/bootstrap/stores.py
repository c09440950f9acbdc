"""The stores, the tracker and the registry."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from llm_engineering.application.corpus.forgetters import (
    AnswerCacheForgetter,
    DocumentForgetter,
    FeedbackForgetter,
    IndexForgetter,
    LikenessForgetter,
)
from llm_engineering.application.corpus.forgetting import Forgetting
from llm_engineering.application.ports.answer_cache import AnswerCache
from llm_engineering.application.ports.api_keys import ApiKeyStore
from llm_engineering.application.ports.feedback import FeedbackStore
from llm_engineering.application.ports.forgetting import Forgetter
from llm_engineering.application.ports.likeness import LikenessStore
from llm_engineering.application.ports.question_sets import QuestionSetStore
from llm_engineering.application.ports.storage import ChunkIndex, DocumentStore
from llm_engineering.application.ports.tracking import (
    ExperimentTracker,
    ModelRegistry,
    SessionUploads,
)
from llm_engineering.bootstrap.resources import Resources, now
from llm_engineering.domain.redaction import Redaction
from llm_engineering.settings import EMBEDDED

if TYPE_CHECKING:  # langchain_core takes seconds to import: only commands that answer need it
    from llm_engineering.application.crawling.visiting import CrawlState
    from llm_engineering.infrastructure.mongo.database import MongoDatabase
    from llm_engineering.infrastructure.tracking.clearml_tracker import ClearMLTracker

_EXPERIMENTS = "clearml"  # folders of DATA_DIR
QUESTIONS = "clearml-questions"


class Stores(Resources):
    """What outlives the process."""

    @cached_property
    def document_store(self) -> DocumentStore:
        """MongoDB: the embedded server, or the one that DATABASE_HOST names."""
        from llm_engineering.infrastructure.mongo.store import MongoDocumentStore

        uri, why_down = self._mongo
        database = self.settings.DATABASE_NAME
        store = MongoDocumentStore.connect(uri, database, why_down=why_down)
        self._resources.callback(store.close)
        return store

    @cached_property
    def likeness_store(self) -> LikenessStore:
        """What is known of documents that say the same, beside the documents."""
        from llm_engineering.infrastructure.mongo.likeness_store import MongoLikenessStore

        return MongoLikenessStore(self._mongo_database)

    @cached_property
    def crawl_state(self) -> "CrawlState":
        """What crawls have to visit, know and could not have: beside the documents."""
        from llm_engineering.application.crawling.visiting import CrawlState
        from llm_engineering.infrastructure.mongo.crawl_memory import (
            MongoCrawlMemory,
            MongoDeadLetters,
        )
        from llm_engineering.infrastructure.mongo.frontier import MongoFrontier

        database = self._mongo_database
        return CrawlState(
            MongoFrontier(database), MongoCrawlMemory(database), MongoDeadLetters(database)
        )

    @cached_property
    def question_set_store(self) -> QuestionSetStore:
        """Questions made from the corpus, beside the documents."""
        from llm_engineering.infrastructure.mongo.question_set_store import MongoQuestionSetStore

        return MongoQuestionSetStore(self._mongo_database)

    @cached_property
    def api_key_store(self) -> ApiKeyStore:
        """API keys, beside the documents."""
        from llm_engineering.infrastructure.mongo.api_key_store import MongoApiKeyStore

        return MongoApiKeyStore(self._mongo_database)

    @cached_property
    def feedback_store(self) -> FeedbackStore:
        """Served answers and what people thought of them, beside the documents."""
        from llm_engineering.infrastructure.mongo.feedback_store import MongoFeedbackStore

        return MongoFeedbackStore(self._mongo_database)

    @cached_property
    def answer_cache(self) -> AnswerCache:
        """Answers that may be given again, beside the documents."""
        from llm_engineering.infrastructure.mongo.answer_cache import MongoAnswerCache

        return MongoAnswerCache(self._mongo_database)

    @cached_property
    def _mongo_database(self) -> "MongoDatabase":
        """A connection of its own to the database of the document store."""
        from llm_engineering.infrastructure.mongo.database import MongoDatabase

        uri, why_down = self._mongo
        database = MongoDatabase.connect(uri, self.settings.DATABASE_NAME, why_down=why_down)
        self._resources.callback(database.close)
        return database

    @cached_property
    def _mongo(self) -> tuple[str, Callable[[], str | None]]:
        """The URI of MongoDB, and who knows why it is down."""
        from llm_engineering.infrastructure.mongo.embedded import EmbeddedMongo

        if self.settings.DATABASE_HOST != EMBEDDED:
            return self.settings.DATABASE_HOST, lambda: None
        server = EmbeddedMongo(self.folder("mongo"))
        uri = server.start()
        self._resources.callback(server.close)
        return uri, server.why_down

    @property
    def index_is_embedded(self) -> bool:
        """Whether the index is in this process, not on a server."""
        return not self.settings.USE_QDRANT_CLOUD and self.settings.QDRANT_DATABASE_HOST == EMBEDDED

    @cached_property
    def chunk_index(self) -> ChunkIndex:
        """Qdrant: the embedded engine, a server, or Qdrant Cloud."""
        index: ChunkIndex
        if not self.index_is_embedded:
            from llm_engineering.infrastructure.qdrant.server import ServerChunkIndex

            cloud = self.settings.QDRANT_CLOUD_URL if self.settings.USE_QDRANT_CLOUD else None
            key = self.settings.QDRANT_APIKEY
            index = ServerChunkIndex.connect(
                cloud or self.settings.QDRANT_DATABASE_HOST,
                self.settings.QDRANT_DATABASE_PORT,
                key.get_secret_value() if key else None,
            )
        else:
            from llm_engineering.infrastructure.qdrant.edge import EdgeChunkIndex

            index = EdgeChunkIndex(self.folder("qdrant"))
        self._resources.callback(index.close)
        return index

    @cached_property
    def tracker(self) -> ExperimentTracker:
        """ClearML: the server of CLEARML_API_HOST when it answers, else offline sessions."""
        return self.tracker_of(_EXPERIMENTS)

    def tracker_of(
        self, folder: str, max_bytes: int | None = None, patience_s: float = 60.0
    ) -> "ClearMLTracker":
        """ClearML with a folder of its own for what is offline, of at most `max_bytes`.

        When a task is closed, the server gets `patience_s` for what is left.
        """
        from llm_engineering.infrastructure.tracking.clearml_tracker import ClearMLTracker

        s = self.settings
        return ClearMLTracker(
            folder=self.folder(folder),
            api_host=s.CLEARML_API_HOST,
            web_host=s.CLEARML_WEB_HOST,
            files_host=s.CLEARML_FILES_HOST,
            access_key=s.CLEARML_API_ACCESS_KEY,
            secret_key=s.CLEARML_API_SECRET_KEY,
            redaction=Redaction(s.secrets(), long=False),
            max_bytes=max_bytes,
            patience_s=patience_s,
        )

    def session_uploads(self) -> dict[str, SessionUploads]:
        """What was recorded offline, by the folder of DATA_DIR that has it."""
        return {name: self.tracker_of(name) for name in (_EXPERIMENTS, QUESTIONS)}

    @cached_property
    def registry(self) -> ModelRegistry:
        """MLflow: the server of MLFLOW_TRACKING_URI, else SQLite and a folder."""
        from llm_engineering.infrastructure.registry.mlflow_registry import MLflowRegistry

        return MLflowRegistry(
            self.settings.MLFLOW_TRACKING_URI,
            folder=self.folder("mlflow"),
            cache=self.folder("registered-models"),
        )

    def forgetting(self) -> Forgetting:
        """Deletes documents everywhere. A store that keeps what is made from them joins here."""
        from llm_engineering.infrastructure.mongo.crawl_forgetter import MongoCrawlForgetter

        forgetters: dict[str, Forgetter] = {
            "index": IndexForgetter(self.chunk_index),
            "crawls": MongoCrawlForgetter(self._mongo_database),
            "answer cache": AnswerCacheForgetter(self.answer_cache),  # after the index
            "feedback": FeedbackForgetter(self.feedback_store),
            "duplicates": LikenessForgetter(self.likeness_store),
            "documents": DocumentForgetter(self.document_store),
        }
        return Forgetting(self.document_store, self.likeness_store, forgetters, now)
