"""From a question to passages and an answer."""

import os
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from llm_engineering.application.rag.config import RagConfig
from llm_engineering.bootstrap.features import Features
from llm_engineering.bootstrap.resources import now
from llm_engineering.domain.ids import fingerprint
from llm_engineering.domain.releases import Release
from llm_engineering.settings import load_config

if TYPE_CHECKING:  # langchain_core takes seconds to import: only commands that answer need it
    from llm_engineering.application.rag.answer_cache import GivenAnswers
    from llm_engineering.application.rag.answer_recorder import AnswerRecorder
    from llm_engineering.application.rag.answering import AnswerPipeline
    from llm_engineering.application.rag.explain import RetrievalExplainer
    from llm_engineering.application.rag.generation import AnswerGenerator, PassageFinder
    from llm_engineering.application.rag.history import History
    from llm_engineering.application.rag.reranking import Reranker
    from llm_engineering.application.rag.retriever import ContextRetriever
    from llm_engineering.application.rag.self_query import SelfQuery


class Answers(Features):
    """What answers."""

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
            at_once=self._searches_at_once,
        )

    @property
    def _searches_at_once(self) -> int:
        """Half as many as processors; of an index on a server, which is waited for, twice as many.

        More would be in the way of each other and of answers. Who waits is embedded with others.
        """
        processors = os.cpu_count() or 1
        return max(1, processors // 2) if self.index_is_embedded else max(4, 2 * processors)

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

    def answer_generator(
        self, reference: str | None = None, finder: "PassageFinder | None" = None
    ) -> "AnswerGenerator":
        """Retrieval, the chat model of the reference (by default the provider's), and checks.

        `finder` stands in for the search of the live index.
        """
        from llm_engineering.application.rag.citations import CitationChecker
        from llm_engineering.application.rag.context import estimated_tokens
        from llm_engineering.application.rag.generation import AnswerGenerator

        name = reference or self.default_chat_model
        model = self.chat_model(reference)
        # the tokenizers of the other providers would have to be downloaded
        own = name.startswith(("local:", "mlflow:", "transformers:"))
        return AnswerGenerator(
            finder or self.retriever(),
            model,
            name,
            CitationChecker(self.embedding_model, self.sparse_encoder),
            self.rag_config.context_tokens,
            model.get_num_tokens if own else estimated_tokens,
        )

    def answer_pipeline(self, reference: str | None = None) -> "AnswerPipeline":
        """What answers requests: conversations, answers given before, and the generator."""
        from llm_engineering.application.rag.answering import AnswerPipeline
        from llm_engineering.application.rag.conversation import QuestionRewriter

        return AnswerPipeline(
            self.answer_generator(reference),
            QuestionRewriter(self.chat_model(reference)),
            self._given_answers(reference) if self.settings.ANSWER_CACHE_HOURS else None,
        )

    def _given_answers(self, reference: str | None) -> "GivenAnswers":
        from llm_engineering.application.rag.answer_cache import GivenAnswers
        from llm_engineering.application.rag.judging import RULES_VERSION

        s = self.settings
        models = (reference,) if reference else (self.default_chat_model, *s.fallback_chat_models)
        steers = (
            RULES_VERSION,
            s.TEMPERATURE_INFERENCE,
            s.TOP_P_INFERENCE,
            s.MAX_NEW_TOKENS_INFERENCE,
        )
        given = GivenAnswers(
            self.answer_cache,
            self.chunk_index,
            lambda: fingerprint(self.release(*models).id, *steers),
            now,
            timedelta(hours=s.ANSWER_CACHE_HOURS),
        )
        self._resources.callback(given.close)
        return given

    @cached_property
    def answer_recorder(self) -> "AnswerRecorder":
        """Served answers on their way to the feedback store."""
        from llm_engineering.application.rag.answer_recorder import AnswerRecorder

        recorder = AnswerRecorder(self.feedback_store, self.document_store.buried)
        self._resources.callback(recorder.close)
        return recorder

    def history(self) -> "History":
        """Knows which revision of a document was current when."""
        from llm_engineering.application.rag.history import History

        return History(self.document_store)

    def release(self, *chat_models: str) -> Release:
        """What answers now; it follows the live index. Without `chat_models`, the provider's.

        Raises:
            StoreUnavailable: the index cannot be reached.
        """
        from llm_engineering.application.rag.prompts import prompt_version

        live = self.chunk_index.live()
        scorer = self.active_reranker.scorer if self.rag_config.rerank.enabled else None
        return Release(
            index=live.name if live else None,
            embedder=self.embedding_model.fingerprint,
            reranker=scorer.fingerprint if scorer else None,
            retrieval=fingerprint(self.rag_config.model_dump_json()),
            prompts=prompt_version(),
            chat_models=chat_models or (self.default_chat_model,),
        )
