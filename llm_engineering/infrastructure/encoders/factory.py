"""Chooses the runtime of the encoders, and the reranker that can be had."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llm_engineering.application.ports.models import EmbeddingModel, PairScorer
from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.encoders.cross_encoder_folder import CrossEncoderFolder
from llm_engineering.infrastructure.encoders.failure_memory import FailureMemory
from llm_engineering.infrastructure.encoders.late_interaction import LateInteractionScorer
from llm_engineering.infrastructure.encoders.openvino_cross_encoder import OpenVINOCrossEncoder
from llm_engineering.infrastructure.encoders.openvino_embedding import OpenVINOEmbeddingModel
from llm_engineering.infrastructure.encoders.torch_models import (
    TorchCrossEncoder,
    TorchEmbeddingModel,
)

Runtime = Literal["auto", "openvino", "torch"]
LATE_INTERACTION = "late-interaction"
NO_RERANKER = "none"


@dataclass(frozen=True)
class EncoderOptions:
    """Where encoders run.

    Args:
        runtime: `auto` is torch on a CUDA device and OpenVINO elsewhere.
        device: `cpu` or `gpu`.
        cache: where exported models are kept.
    """

    runtime: Runtime
    device: str
    cache: Path

    @property
    def uses_torch(self) -> bool:
        """Whether torch runs the models."""
        if self.runtime == "auto":
            return self.device == "gpu" and _cuda_available()
        return self.runtime == "torch"


@dataclass(frozen=True)
class ActiveReranker:
    """The scorer to rerank with, or None, and one line for people that says which and why."""

    scorer: PairScorer | None
    description: str


def make_embedding_model(folder: Path, options: EncoderOptions) -> EmbeddingModel:
    """Returns the embedder of a sentence-transformers folder; nothing is loaded yet."""
    if options.uses_torch:
        return TorchEmbeddingModel(folder, options.device)
    return OpenVINOEmbeddingModel(folder, options.device, options.cache)


def make_pair_scorer(
    model_id: str,
    path: Callable[[str], Path],
    embedder: EmbeddingModel,
    options: EncoderOptions,
    failures: FailureMemory,
) -> ActiveReranker:
    """Returns the reranker of a setting; nothing is loaded yet, but files may be fetched.

    Args:
        model_id: a cross-encoder (a folder, or `owner/name` on the hub), `late-interaction`, or
            `none`.
        path: returns a model's folder; may fetch it.
        embedder: late interaction takes its token vectors.
        options: where it runs.
        failures: what could not be fetched lately, and is not waited for again.

    Raises:
        ConfigurationError: there is no such model.
        ModelError: its files cannot be used. That it cannot be fetched now is no error: then
            nothing reranks, and the description says why. Late interaction does not take its
            place: it made rankings worse (docs/benchmarks.md), and takes half a second a question.
    """
    if model_id == NO_RERANKER:
        return ActiveReranker(None, "none: RERANKING_CROSS_ENCODER_MODEL_ID=none")
    if model_id == LATE_INTERACTION:
        return _late_interaction(embedder)
    reason = failures.reason(model_id)
    if reason is None:
        try:
            return _cross_encoder(model_id, path(model_id), options)
        except ModelError as error:
            if not error.transient:
                raise
            reason = str(error)
            failures.remember(model_id, reason)
    return ActiveReranker(None, f"none: {model_id} could not be loaded: {reason}")


def _cross_encoder(model_id: str, folder: Path, options: EncoderOptions) -> ActiveReranker:
    _ = CrossEncoderFolder(folder).activation
    scorer: TorchCrossEncoder | OpenVINOCrossEncoder
    if options.uses_torch:
        scorer = TorchCrossEncoder(folder, options.device)
    else:
        scorer = OpenVINOCrossEncoder(folder, options.device, options.cache)
    return ActiveReranker(scorer, f"{model_id} on {scorer.runtime}")


def _late_interaction(embedder: EmbeddingModel) -> ActiveReranker:
    if not isinstance(embedder, OpenVINOEmbeddingModel):
        return ActiveReranker(None, "none: late interaction needs EMBEDDING_RUNTIME=openvino")
    return ActiveReranker(LateInteractionScorer(embedder), f"late interaction of {embedder.name}")


def _cuda_available() -> bool:
    try:
        import torch  # noqa: PLC0415 - seconds to import
    except ImportError:
        return False
    return torch.cuda.is_available()
