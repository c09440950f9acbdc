"""The composition root: the one place that reads Settings and builds adapters and use cases.

    with Platform(load_settings()) as platform:
        platform.document_store.counts()

Each collaborator is built when it is first asked for, once, and given back when the block ends.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Self

from llm_engineering.application.corpus.forgetters import (
    DocumentForgetter,
    IndexForgetter,
    LikenessForgetter,
)
from llm_engineering.application.corpus.forgetting import Forgetting
from llm_engineering.application.crawling.config import CrawlLimits
from llm_engineering.application.ports.execution import Engine, Executor
from llm_engineering.application.ports.forgetting import Forgetter
from llm_engineering.application.ports.likeness import LikenessStore
from llm_engineering.application.ports.models import (
    EmbeddingModel,
    PairScorer,
    SparseEncoder,
    Trainer,
)
from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.ports.question_sets import QuestionSetStore
from llm_engineering.application.ports.storage import ChunkIndex, DocumentStore
from llm_engineering.application.ports.tracking import ExperimentTracker, ModelRegistry
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    EmbeddingDispatcher,
)
from llm_engineering.application.preprocessing.featurizing import Featurizer
from llm_engineering.application.rag.config import RagConfig
from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.infrastructure.model_files.catalogue import ModelFiles
from llm_engineering.settings import EMBEDDED, Settings, load_config

if TYPE_CHECKING:  # langchain_core takes seconds to import: only commands that answer need it
    from langchain_core.language_models import BaseChatModel

    from llm_engineering.application.crawling.engine import CrawlEngine
    from llm_engineering.application.crawling.visiting import CrawlState
    from llm_engineering.application.rag.explain import RetrievalExplainer
    from llm_engineering.application.rag.generation import AnswerGenerator
    from llm_engineering.application.rag.question_log import QuestionLog
    from llm_engineering.application.rag.reranking import Reranker
    from llm_engineering.application.rag.retriever import ContextRetriever
    from llm_engineering.application.rag.self_query import SelfQuery
    from llm_engineering.infrastructure.crawlers.browsing import Browsing
    from llm_engineering.infrastructure.encoders.factory import ActiveReranker, EncoderOptions
    from llm_engineering.infrastructure.mongo.database import MongoDatabase


@dataclass(frozen=True)
class RemoteFeaturizer:
    """Makes a featurizer in another process, maybe on another machine, from these settings."""

    settings: Settings
    config: FeatureConfig

    def __call__(self) -> Featurizer:
        """Returns the featurizer; it lives as long as the process."""
        return make_featurizer(Platform(self.settings), self.config)


def make_featurizer(platform: "Platform", config: FeatureConfig) -> Featurizer:
    """Returns a worker of the feature pipeline with the platform's encoders."""
    model = platform.embedding_model
    return Featurizer(
        ChunkingDispatcher(model, config.chunking),
        EmbeddingDispatcher(model, platform.sparse_encoder),
        config.batch_size,
    )


def now() -> datetime:
    """Returns the present time; the only clock of the platform, passed on as an argument."""
    return datetime.now(UTC)


class Platform:
    """Everything a command or a service works with, made from its settings.

    `progress` shows downloads of models; None shows nothing.
    """

    def __init__(self, settings: Settings, progress: Progress | None = None) -> None:
        self.settings = settings
        self._progress = progress
        self._resources = ExitStack()
        self._chat_models: dict[str, BaseChatModel] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives everything back that was built."""
        self._resources.close()

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

    def forgetting(self) -> Forgetting:
        """Deletes documents everywhere. A store that keeps what is made from them joins here."""
        from llm_engineering.infrastructure.mongo.crawl_forgetter import MongoCrawlForgetter

        forgetters: dict[str, Forgetter] = {
            "index": IndexForgetter(self.chunk_index),
            "crawls": MongoCrawlForgetter(self._mongo_database),
            "duplicates": LikenessForgetter(self.likeness_store),
            "documents": DocumentForgetter(self.document_store),
        }
        return Forgetting(self.document_store, self.likeness_store, forgetters, now)

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

    @cached_property
    def chunk_index(self) -> ChunkIndex:
        """Qdrant: the embedded engine, a server, or Qdrant Cloud."""
        index: ChunkIndex
        if self.settings.USE_QDRANT_CLOUD or self.settings.QDRANT_DATABASE_HOST != EMBEDDED:
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
    def model_files(self) -> ModelFiles:
        """The weights: in the project's folder, the cache, or fetched and verified."""
        token = self.settings.HUGGINGFACE_ACCESS_TOKEN
        return ModelFiles(
            packages=self.settings.MODELS_DIR.absolute(),
            cache=self.settings.MODEL_CACHE_DIR.expanduser(),
            token=token.get_secret_value() if token else None,
            progress=self._progress,
        )

    @cached_property
    def embedding_model(self) -> EmbeddingModel:
        """The embedder of TEXT_EMBEDDING_MODEL_ID on EMBEDDING_RUNTIME."""
        from llm_engineering.infrastructure.encoders.factory import make_embedding_model

        folder = self.model_files.path(self.settings.TEXT_EMBEDDING_MODEL_ID)
        return make_embedding_model(folder, self._encoder_options)

    @cached_property
    def active_reranker(self) -> "ActiveReranker":
        """The scorer of RERANKING_CROSS_ENCODER_MODEL_ID, if it can be had, and what it is."""
        from llm_engineering.infrastructure.encoders.factory import make_pair_scorer
        from llm_engineering.infrastructure.encoders.failure_memory import FailureMemory

        cache = self.settings.MODEL_CACHE_DIR.expanduser()
        return make_pair_scorer(
            self.settings.RERANKING_CROSS_ENCODER_MODEL_ID,
            self.model_files.path,
            self.embedding_model,
            self._encoder_options,
            FailureMemory(cache / "unreachable", now),
        )

    @property
    def pair_scorer(self) -> PairScorer | None:
        """What reranks; None leaves the order of the first stage."""
        return self.active_reranker.scorer

    @property
    def _encoder_options(self) -> "EncoderOptions":
        from llm_engineering.infrastructure.encoders.factory import EncoderOptions

        return EncoderOptions(
            runtime=self.settings.EMBEDDING_RUNTIME,
            device=self.settings.RAG_MODEL_DEVICE,
            cache=self.settings.MODEL_CACHE_DIR.expanduser(),
        )

    @cached_property
    def sparse_encoder(self) -> SparseEncoder:
        """Term weights for BM25."""
        from llm_engineering.infrastructure.encoders.bm25 import Bm25Encoder

        return Bm25Encoder()

    def crawl_engine(
        self, allowed_private_hosts: Sequence[str], limits: CrawlLimits
    ) -> "CrawlEngine":
        """The crawl; only the named private hosts (host or host:port) may be fetched from."""
        from llm_engineering.application.crawling.engine import CrawlEngine
        from llm_engineering.infrastructure.crawlers.registry import make_crawling

        token = self.settings.GITHUB_TOKEN
        crawling = make_crawling(
            allowed_private_hosts=allowed_private_hosts,
            workdir=self.folder("git"),
            clock=now,
            limits=limits,
            github_token=token.get_secret_value() if token else None,
            browsing=self._browsing(limits),
        )
        self._resources.callback(crawling.close)
        return CrawlEngine(
            crawling.dispatcher,
            crawling.robots,
            self.document_store,
            self.crawl_state,
            limits,
            now,
        )

    def _browsing(self, limits: CrawlLimits) -> "Browsing":
        """How pages are opened in a browser, and who logs in to LinkedIn; starts nothing."""
        from llm_engineering.infrastructure.browser.driver import BrowserDriver
        from llm_engineering.infrastructure.browser.limits import BrowserLimits
        from llm_engineering.infrastructure.browser.programs import find_programs
        from llm_engineering.infrastructure.crawlers.browsing import Browsing
        from llm_engineering.infrastructure.crawlers.linkedin_session import LinkedInAccount

        s = self.settings
        bounds = BrowserLimits(
            max_html_bytes=limits.max_page_bytes, load_timeout_s=limits.page_timeout_s
        )
        account = None
        if s.LINKEDIN_USERNAME and s.LINKEDIN_PASSWORD:
            account = LinkedInAccount(s.LINKEDIN_USERNAME, s.LINKEDIN_PASSWORD)
        return Browsing(
            lambda resolve, profile: BrowserDriver(
                lambda: find_programs(s.CHROME_BINARY, s.CHROMEDRIVER_PATH),
                resolve,
                profile=profile,
                limits=bounds,
            ),
            profile=s.LINKEDIN_BROWSER_PROFILE or self.folder("browser") / "linkedin",
            account=account,
            has_login=s.LINKEDIN_BROWSER_PROFILE is not None,
        )

    @contextmanager
    def executor(self, engine: Engine, workers: int) -> Iterator[Executor]:
        """Where costly work runs while the block lasts: here, in processes, or on Ray.

        Raises:
            MissingDependency: Ray is asked for and not installed.
            ExecutionFailed: no cluster answers at RAY_ADDRESS.
        """
        executor: Executor
        if engine is Engine.RAY:
            from llm_engineering.infrastructure.execution.ray_data import RayExecutor

            executor = RayExecutor(self.settings.RAY_ADDRESS, workers)
        elif workers > 1:
            from llm_engineering.infrastructure.execution.processes import ProcessExecutor

            executor = ProcessExecutor(workers)
        else:
            from llm_engineering.infrastructure.execution.in_process import InProcessExecutor

            executor = InProcessExecutor()
        with closing(executor):
            yield executor

    def featurizer(self, config: FeatureConfig, *, in_process: bool) -> Callable[[], Featurizer]:
        """Returns what makes a worker that chunks and embeds: here, or picklable for elsewhere."""
        if in_process:
            return lambda: make_featurizer(self, config)
        return RemoteFeaturizer(self.settings.without_secrets(), config)

    def chat_model(self, reference: str | None = None) -> "BaseChatModel":
        """Returns the model of a reference such as `openai:gpt-4o-mini`, by default the provider's.

        The same reference gives the same model: local ones hold their weights in memory.

        Raises:
            ConfigurationError: the provider is unknown, or lacks its secret.
        """
        name = reference or self.default_chat_model
        if name not in self._chat_models:
            self._chat_models[name] = self._make_chat_model(name)
        return self._chat_models[name]

    def _make_chat_model(self, reference: str) -> "BaseChatModel":
        from llm_engineering.infrastructure.llms.factory import ChatModelOptions, make_chat_model

        s = self.settings
        options = ChatModelOptions(
            temperature=s.TEMPERATURE_INFERENCE,
            top_p=s.TOP_P_INFERENCE,
            max_new_tokens=s.MAX_NEW_TOKENS_INFERENCE,
            device=s.RAG_MODEL_DEVICE,
            cache=s.MODEL_CACHE_DIR.expanduser(),
            openai_api_key=s.OPENAI_API_KEY,
            openai_base_url=s.OPENAI_BASE_URL,
            google_api_key=s.GOOGLE_API_KEY,
            huggingface_token=s.HUGGINGFACE_ACCESS_TOKEN,
        )
        return make_chat_model(
            reference,
            options,
            local_file=self.model_files.path,
            registered_folder=self._registered_folder,
        )

    @property
    def default_chat_model(self) -> str:
        """The reference of LLM_PROVIDER's model."""
        s = self.settings
        model_id = {
            "local": s.LOCAL_MODEL_ID,
            "mlflow": s.MLFLOW_MODEL_ID,
            "openai": s.OPENAI_MODEL_ID,
            "google": s.GEMINI_MODEL_ID,
            "huggingface": s.HUGGINGFACE_MODEL_ID,
        }[s.LLM_PROVIDER]
        return f"{s.LLM_PROVIDER}:{model_id}"

    @property
    def model_in_process(self) -> bool:
        """Whether the provider's model runs here, and so has to be loaded."""
        return self.settings.LLM_PROVIDER in ("local", "mlflow")

    @cached_property
    def rag_config(self) -> RagConfig:
        """The file of RAG_CONFIG; its defaults where there is none."""
        path = self.settings.RAG_CONFIG
        return load_config(path, RagConfig) if path.exists() else RagConfig()

    def retriever(self, config: RagConfig | None = None) -> "ContextRetriever":
        """The retrieval flow over the live index generation, by default as RAG_CONFIG has it."""
        from llm_engineering.application.rag.query_expansion import QueryExpansion
        from llm_engineering.application.rag.retriever import ContextRetriever

        config = config or self.rag_config
        return ContextRetriever(
            index=self.chunk_index,
            embedder=self.embedding_model,
            sparse_encoder=self.sparse_encoder,
            config=config,
            self_query=self._self_query(config) if config.self_query.enabled else None,
            expansion=QueryExpansion(self.chat_model(), config.expansion)
            if config.expansion
            else None,
            reranker=self._reranker(config) if config.rerank.enabled else None,
        )

    def _reranker(self, config: RagConfig) -> "Reranker | None":
        from llm_engineering.application.rag.reranking import Reranker

        active = self.active_reranker
        if active.scorer is None:
            return None
        return Reranker(active.scorer, config.rerank, active.description)

    def explainer(self, config: RagConfig | None = None) -> "RetrievalExplainer":
        """Says why a document is, or is not, among what a question finds."""
        from llm_engineering.application.rag.explain import RetrievalExplainer

        return RetrievalExplainer(self.retriever(config), self.document_store, self.likeness_store)

    def _self_query(self, config: RagConfig) -> "SelfQuery":
        from llm_engineering.application.rag.authors import CachedCatalogue
        from llm_engineering.application.rag.self_query import SelfQuery, search_by_words

        return SelfQuery(
            CachedCatalogue(self.document_store),
            now,
            search_by_words(self.chunk_index, self.sparse_encoder),
            self.chat_model() if config.self_query.llm else None,
        )

    def require_searchable_index(self) -> None:
        """Returns if the live index can be searched with TEXT_EMBEDDING_MODEL_ID.

        Raises:
            InvalidInput: nothing is indexed yet.
            ConfigurationError: the index is of another model.
        """
        from llm_engineering.application.rag.live_index import searchable

        model_id = self.settings.TEXT_EMBEDDING_MODEL_ID
        searchable(self.chunk_index, self.embedding_model, model_id)

    def answer_generator(self, reference: str | None = None) -> "AnswerGenerator":
        """Retrieval, the chat model of the reference (by default the provider's), and checks."""
        from llm_engineering.application.rag.citations import CitationChecker
        from llm_engineering.application.rag.generation import AnswerGenerator

        return AnswerGenerator(
            self.retriever(),
            self.chat_model(reference),
            reference or self.default_chat_model,
            CitationChecker(self.embedding_model, self.sparse_encoder),
        )

    @cached_property
    def question_log(self) -> "QuestionLog":
        """Questions and answers on their way to the tracker."""
        from llm_engineering.application.rag.question_log import QuestionLog

        question_log = QuestionLog(self.tracker, "rag-service")
        self._resources.callback(question_log.close)
        return question_log

    @cached_property
    def tracker(self) -> ExperimentTracker:
        """ClearML: the server of CLEARML_API_HOST when it answers, else offline sessions."""
        from llm_engineering.infrastructure.tracking.clearml_tracker import ClearMLTracker

        s = self.settings
        return ClearMLTracker(
            folder=self.folder("clearml"),
            api_host=s.CLEARML_API_HOST,
            web_host=s.CLEARML_WEB_HOST,
            files_host=s.CLEARML_FILES_HOST,
            access_key=s.CLEARML_API_ACCESS_KEY,
            secret_key=s.CLEARML_API_SECRET_KEY,
        )

    @cached_property
    def registry(self) -> ModelRegistry:
        """MLflow: the server of MLFLOW_TRACKING_URI, else SQLite and a folder."""
        from llm_engineering.infrastructure.registry.mlflow_registry import MLflowRegistry

        return MLflowRegistry(
            self.settings.MLFLOW_TRACKING_URI,
            folder=self.folder("mlflow"),
            cache=self.folder("registered-models"),
        )

    @cached_property
    def trainer(self) -> Trainer:
        """Fine-tunes with trl on this machine's processor, or unsloth where a CUDA device is."""
        from llm_engineering.infrastructure.trainers.factory import make_trainer

        return make_trainer(self.model_files.path)

    def _registered_folder(self, reference: str) -> Path:
        """Returns the verified files of `name@alias` or `name/version`."""
        name, _, version_or_alias = reference.replace("@", "/").partition("/")
        return self.registry.fetch(self.registry.get(name, version_or_alias or "champion"))

    def folder(self, name: str) -> Path:
        """Returns a folder of the data directory, made if need be.

        Raises:
            ConfigurationError: it cannot be made.
        """
        folder = self.settings.DATA_DIR.expanduser().absolute() / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"DATA_DIR: {folder}: {error.strerror}") from error
        return folder
