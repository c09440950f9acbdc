"""The encoders, the chat models and the trainer."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from llm_engineering.application.ports.models import (
    EmbeddingModel,
    PairScorer,
    SparseEncoder,
    Trainer,
)
from llm_engineering.bootstrap.resources import now
from llm_engineering.bootstrap.stores import Stores
from llm_engineering.infrastructure.model_files.catalogue import ModelFiles

if TYPE_CHECKING:  # langchain_core takes seconds to import: only commands that answer need it
    from langchain_core.language_models import BaseChatModel

    from llm_engineering.infrastructure.encoders.factory import ActiveReranker, EncoderOptions


class Models(Stores):
    """What computes."""

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

    def chat_model(self, reference: str | None = None) -> "BaseChatModel":
        """Returns the model of a reference such as `openai:gpt-4o-mini`.

        Without one it is the provider's, with those of LLM_FALLBACKS behind it. What fails is asked
        again where that may help, and nothing is waited for beyond LLM_DEADLINE_S. The same
        reference gives the same model: local ones hold their weights in memory.

        Raises:
            ConfigurationError: the provider is unknown, or lacks its secret.
        """
        default = (self.default_chat_model, *self.settings.fallback_chat_models)
        names = (reference,) if reference else default
        if names not in self._chat_chains:
            self._chat_chains[names] = self._chain(names)
        return self._chat_chains[names]

    def _chain(self, names: tuple[str, ...]) -> "BaseChatModel":
        from llm_engineering.application.rag.fallbacks import ChatModelChain, Patience
        from llm_engineering.application.rag.prices import parse_prices

        for name in names:
            if name not in self._chat_models:
                self._chat_models[name] = self._make_chat_model(name)
        s = self.settings
        patience = Patience(s.LLM_DEADLINE_S, s.LLM_FIRST_TOKEN_S, s.LLM_IDLE_S, s.LLM_RETRIES)
        return ChatModelChain(
            models={name: self._chat_models[name] for name in names},
            patience=patience,
            prices=parse_prices(s.LLM_PRICES),
        )

    @cached_property
    def _chat_chains(self) -> "dict[tuple[str, ...], BaseChatModel]":
        return {}

    @cached_property
    def _chat_models(self) -> "dict[str, BaseChatModel]":
        return {}

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
            local_files=self.model_files.path,
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
            "transformers": s.HUGGINGFACE_MODEL_ID,
        }[s.LLM_PROVIDER]
        return f"{s.LLM_PROVIDER}:{model_id}"

    @property
    def model_in_process(self) -> bool:
        """Whether the provider's model runs here, and so has to be loaded."""
        return self.settings.LLM_PROVIDER in ("local", "mlflow", "transformers")

    @cached_property
    def trainer(self) -> Trainer:
        """Fine-tunes with trl on this machine's processor, or unsloth where a CUDA device is."""
        from llm_engineering.infrastructure.trainers.factory import make_trainer

        return make_trainer(self.model_files.path)

    def _registered_folder(self, reference: str) -> Path:
        """Returns the verified files of `name@alias` or `name/version`."""
        name, _, version_or_alias = reference.replace("@", "/").partition("/")
        return self.registry.fetch(self.registry.get(name, version_or_alias or "champion"))
