"""The platform with a stand-in for every store and model: commands and pipelines run in memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from llm_engineering.application.corpus.forgetters import DocumentForgetter, IndexForgetter
from llm_engineering.application.corpus.forgetting import Forgetting
from llm_engineering.application.crawling.config import CrawlLimits
from llm_engineering.application.crawling.engine import CrawlEngine
from llm_engineering.application.crawling.visiting import CrawlState
from llm_engineering.application.ports.forgetting import Forgetter
from llm_engineering.application.preprocessing.config import ChunkingConfig, FeatureConfig
from llm_engineering.application.rag.fallbacks import ChatModelChain
from llm_engineering.bootstrap import Platform
from llm_engineering.infrastructure.encoders.factory import ActiveReranker
from llm_engineering.infrastructure.in_memory.answer_cache import InMemoryAnswerCache
from llm_engineering.infrastructure.in_memory.api_key_store import InMemoryApiKeyStore
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from llm_engineering.infrastructure.in_memory.feedback_store import InMemoryFeedbackStore
from llm_engineering.infrastructure.in_memory.likeness_store import InMemoryLikenessStore
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.infrastructure.in_memory.question_set_store import InMemoryQuestionSetStore
from llm_engineering.infrastructure.in_memory.registry import InMemoryModelRegistry
from llm_engineering.infrastructure.in_memory.tracking import InMemoryTracker
from llm_engineering.settings import load_settings
from pipelines.feature import run_feature
from tests.documents import VISITED, make_article
from tests.unit.application.crawling.scripted_crawls import Script, ScriptedCrawl
from tests.unit.application.training.training_making import ScriptedTrainer

FEATURES = FeatureConfig(chunking=ChunkingConfig(chunk_tokens=48, heading_tokens=12))
PAGES = {
    "pump": (
        "The bilge pump starts by itself when the water in the hull stands at four centimetres.",
        "A blocked strainer is the first thing to look for where a pump runs and lifts nothing.",
    ),
    "anchor": (
        "Chain of five times the depth keeps an anchor flat on the sea bed in a steady breeze.",
        "Mud holds best, sand holds well, and weed or rock let most anchors slip in a squall.",
    ),
    "compass": (
        "Deviation comes from the iron of the ship and is written on a card beside the compass.",
        "Once a year the deviation card is made anew by turning the vessel through the circle.",
    ),
    "lantern": (
        "White light is shown astern, red to port and green to starboard after the sun has set.",
        "Fishing boats at work carry two more lanterns, one above the other, on their foremast.",
    ),
}


def put_pages(platform: Platform, *subjects: str) -> None:
    """Stores and indexes a page of two sections about each subject, by default all there are."""
    for subject in subjects or PAGES:
        body = "\n\n".join(
            f"## Rule {n} of the {subject}\n\n{text}" for n, text in enumerate(PAGES[subject], 1)
        )
        url = f"https://example.org/{subject}"
        platform.document_store.save(make_article(body, url=url, title=f"The {subject}"))
    run_feature(platform, FEATURES, SilentProgress())


def refuses(_: Sequence[BaseMessage]) -> str:
    """Answers every question with what the prompt asks for where the sources do not know."""
    return "The sources do not say."


class InMemoryPlatform(Platform):
    """Nothing is opened, and what was stored stays after it is closed: it can be entered again.

    `pages` is what crawls find; `model` answers, whatever model is asked for.
    """

    def __init__(self, folder: Path, pages: Mapping[str, Script] | None = None) -> None:
        super().__init__(
            load_settings(
                DATA_DIR=folder / "data",
                RAG_CONFIG=folder / "rag.yaml",
                TRACKING_CONFIG=folder / "tracking.yaml",
            )
        )
        self.documents = InMemoryDocumentStore()
        self.crawl = ScriptedCrawl(pages or {}, store=self.documents)
        self.model = ScriptedChatModel(refuses)
        self.scripted_trainer = ScriptedTrainer()
        self.document_store = self.documents
        self.likeness_store = InMemoryLikenessStore()
        self.crawl_state = CrawlState(self.crawl.frontier, self.crawl.memory, self.crawl.letters)
        self.question_set_store = InMemoryQuestionSetStore()
        self.api_key_store = InMemoryApiKeyStore()
        self.feedback_store = InMemoryFeedbackStore()
        self.answer_cache = InMemoryAnswerCache()
        self.chunk_index = InMemoryChunkIndex()
        self.embedding_model = HashingEmbeddingModel(dimension=64)
        self.sparse_encoder = WordSparseEncoder()
        self.active_reranker = ActiveReranker(None, "none")
        self.tracker = InMemoryTracker()
        self.registry = InMemoryModelRegistry(folder / "models")
        self.trainer = self.scripted_trainer

    def crawl_engine(
        self,
        allowed_private_hosts: Sequence[str],
        limits: CrawlLimits,
    ) -> CrawlEngine:
        return self.crawl.engine

    def chat_model(self, reference: str | None = None) -> BaseChatModel:
        return ChatModelChain(models={reference or self.default_chat_model: self.model})

    def forgetting(self) -> Forgetting:
        forgetters: dict[str, Forgetter] = {
            "index": IndexForgetter(self.chunk_index),
            "documents": DocumentForgetter(self.document_store),
        }
        return Forgetting(self.document_store, self.likeness_store, forgetters, lambda: VISITED)

    def forget_all_but(self, *subjects: str) -> None:
        """Has the pages of the others gone from the web, and from the index."""
        kept = {f"https://example.org/{one}" for one in subjects}
        for document in list(self.documents.documents()):
            if document.url not in kept:
                self.documents.mark_gone(document.id, VISITED, "HTTP 404")
        run_feature(self, FEATURES, SilentProgress())

    @contextmanager
    def scratch(self) -> Iterator[Platform]:
        scratch = InMemoryPlatform(self.folder("scratch"))
        scratch.embedding_model = self.embedding_model
        scratch.model = self.model
        scratch.__dict__["rag_config"] = self.rag_config
        yield scratch


def quoting(*parts: str) -> Any:
    """Returns a model that says the first of these that a passage or question before it has."""

    def says(messages: Sequence[BaseMessage]) -> str:
        read = str(messages[-1].text)
        return next((part for part in parts if part in read), refuses(messages))

    return ScriptedChatModel(says)
