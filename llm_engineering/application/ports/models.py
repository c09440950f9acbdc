"""Models that the use cases call: encoders and the trainer. Chat models are LangChain's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from llm_engineering.domain.dataset import InstructDataset
from llm_engineering.domain.embedded_chunks import SparseVector
from llm_engineering.domain.training import TrainingConfig


class TextTokenizer(Protocol):
    """The tokenizer of an embedder."""

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Returns start and end (exclusive) character of every token, special tokens left out."""
        ...


class EmbeddingModel(TextTokenizer, Protocol):
    """Turns texts into dense vectors of unit length. Safe to call from several threads."""

    @property
    def fingerprint(self) -> str:
        """Names the weights and everything else that decides the vectors (12 characters)."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens the model reads, special tokens left out; it ignores what is beyond."""
        ...

    def embed_passages(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Sequence[tuple[float, ...]]:
        """Returns a vector for each text, in order; `on_done` hears how many more are ready.

        Raises:
            ModelError: the model could not be loaded or run.
        """
        ...

    def embed_query(self, text: str) -> tuple[float, ...]:
        """Returns the vector of a question."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> Sequence[tuple[float, ...]]:
        """Returns a vector for each question, in order; one batch costs less than one by one."""
        ...


class SparseEncoder(Protocol):
    """Turns texts into term weights for BM25. The index adds the inverse document frequency."""

    @property
    def fingerprint(self) -> str:
        """Names everything that decides the weights."""
        ...

    def encode_passage(self, text: str) -> SparseVector:
        """Returns the saturated term frequencies of a passage."""
        ...

    def encode_query(self, text: str) -> SparseVector:
        """Returns the weights of a question's terms: how often each occurs in it."""
        ...

    def term_ids(self, text: str) -> frozenset[int]:
        """Returns the indices of `encode_query` alone: the terms that a text has."""
        ...


class PairScorer(Protocol):
    """Says how well a passage answers a question. Safe to call from several threads."""

    @property
    def fingerprint(self) -> str:
        """Names the weights and everything else that decides the scores."""
        ...

    def score(self, query: str, passages: Sequence[str]) -> Sequence[float]:
        """Returns a score for each passage, in order; higher is better, the scale is its own.

        Only scores of one call can be compared: a scorer may weigh passages against each other.

        Raises:
            ModelError: the model could not be loaded or run.
        """
        ...


@dataclass(frozen=True)
class TrainedModel:
    """A merged model on disk (transformers layout, safetensors) and how its training went.

    `held_out_loss_before` and `..._after` are mean losses a token over the test samples.
    """

    folder: Path
    held_out_loss_before: float
    held_out_loss_after: float
    steps: int
    backend: str


class Trainer(Protocol):
    """Fine-tunes a chat model."""

    def finetune(
        self,
        dataset: InstructDataset,
        config: TrainingConfig,
        output: Path,
        on_scalars: Callable[[int, Mapping[str, float]], None],
    ) -> TrainedModel:
        """Trains on `dataset.train`, and returns the merged model written below `output`.

        `on_scalars` hears the step (from 1) and its figures (`loss`, `learning_rate`, ...).

        Raises:
            ModelError: the base model cannot be loaded or trained.
        """
        ...
