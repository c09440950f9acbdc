"""The reference: sentence-transformers on torch, for embedders and cross-encoders."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from safetensors import SafetensorError

from llm_engineering.domain.errors import ConfigurationError, MissingDependency, ModelError
from llm_engineering.domain.ids import fingerprint
from llm_engineering.infrastructure.encoders.model_folder import ModelFolder
from llm_engineering.infrastructure.encoders.token_encoders import folder_fingerprint

_BATCH = 32
_FAILURES = (OSError, RuntimeError, ValueError, KeyError, TypeError, SafetensorError)
_WINDOW = 2048  # texts that are sorted by length together: bounds memory


class TorchEmbeddingModel:
    """Embeds texts with `SentenceTransformer`; implements EmbeddingModel.

    Pooling, prompts, length limit and further layers are the model's own; vectors have unit
    length. torch is imported, and the model loaded, at first use.

    Args:
        folder: a model of the hub's layout, safetensors only; no code of it is run.
        device: `cpu` or `gpu` (CUDA).
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self._files = ModelFolder(folder)
        self._device = device
        self._lock = Lock()

    @property
    def fingerprint(self) -> str:
        """The same as on OpenVINO: the vectors are the same but for rounding."""
        return folder_fingerprint(self._files.folder)

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._model.get_embedding_dimension())

    @cached_property
    def max_tokens(self) -> int:
        """Tokens of a passage that are read; special tokens and the model's prompt are left out."""
        prompt = len(self.token_spans(self._files.passage_prompt))
        special = int(self._model.tokenizer.num_special_tokens_to_add(pair=False))
        return int(self._model.max_seq_length) - special - prompt

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Returns start and end of every token, as far as the text goes."""
        offsets: list[tuple[int, int]] = self._spans.encode(text, add_special_tokens=False).offsets
        return offsets

    def embed_passages(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Sequence[tuple[float, ...]]:
        """Returns the unit vector of every text, in order.

        Raises:
            MissingDependency: torch or sentence-transformers is not installed.
            ModelError: the model cannot be loaded or run.
            ConfigurationError: `gpu` without a CUDA device.
        """
        vectors: list[tuple[float, ...]] = []
        for start in range(0, len(texts), _WINDOW):
            window = list(texts[start : start + _WINDOW])
            vectors.extend(self._encode(self._model.encode_document, window))
            if on_done:
                on_done(len(window))
        return vectors

    def embed_query(self, text: str) -> tuple[float, ...]:
        """Returns the unit vector of a question."""
        return self.embed_queries([text])[0]

    def embed_queries(self, texts: Sequence[str]) -> Sequence[tuple[float, ...]]:
        """Returns the unit vector of every question, in order."""
        return self._encode(self._model.encode_query, list(texts)) if texts else []

    def _encode(self, encode: Callable[..., Any], texts: list[str]) -> list[tuple[float, ...]]:
        with self._lock, _translated(self._files.folder):
            found = encode(
                texts, batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False
            )
        return [tuple(vector) for vector in np.asarray(found, np.float32).tolist()]

    @cached_property
    def _spans(self) -> Any:
        return self._files.tokenizer()

    @cached_property
    def _model(self) -> Any:
        with self._lock, _translated(self._files.folder):
            from sentence_transformers import (  # noqa: PLC0415 - seconds to import
                SentenceTransformer,
            )

            _quieten()
            return SentenceTransformer(
                str(self._files.existing("config.json").parent),
                device=_torch_device(self._device),
                local_files_only=True,
                trust_remote_code=False,
            )


class TorchCrossEncoder:
    """Scores pairs with sentence-transformers' `CrossEncoder`; implements PairScorer.

    Args:
        folder: a sequence classification model with one label.
        device: `cpu` or `gpu` (CUDA).
    """

    runtime = "torch"

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self._files = ModelFolder(folder)
        self._device = device
        self._lock = Lock()

    @property
    def fingerprint(self) -> str:
        """The same as on OpenVINO: the scores are the same but for rounding."""
        return fingerprint("cross-encoder-1", self._files.fingerprint)

    def score(self, query: str, passages: Sequence[str]) -> Sequence[float]:
        """Returns a score for each passage, in order.

        Raises:
            MissingDependency: torch or sentence-transformers is not installed.
            ModelError: the model cannot be loaded or run.
            ConfigurationError: `gpu` without a CUDA device.
        """
        if not passages:
            return []
        pairs = [(query, passage) for passage in passages]
        model = self._model
        with self._lock, _translated(self._files.folder):
            found = model.predict(pairs, batch_size=_BATCH, show_progress_bar=False)
        scores: list[float] = np.asarray(found, np.float32).tolist()
        return scores

    @cached_property
    def _model(self) -> Any:
        with self._lock, _translated(self._files.folder):
            from sentence_transformers import CrossEncoder  # noqa: PLC0415 - seconds to import

            _quieten()
            return CrossEncoder(
                str(self._files.existing("config.json").parent),
                device=_torch_device(self._device),
                local_files_only=True,
                trust_remote_code=False,
            )


def _quieten() -> None:
    notices: Any = import_module("transformers.utils.logging")  # it is not typed
    notices.disable_progress_bar()  # a command shows its own progress
    notices.set_verbosity_error()


def _torch_device(device: str) -> str:
    import torch  # noqa: PLC0415 - seconds to import

    if device == "gpu" and not torch.cuda.is_available():
        raise ConfigurationError("RAG_MODEL_DEVICE=gpu: torch sees no CUDA device")
    return "cuda" if device == "gpu" else "cpu"


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Turns what torch and its friends raise into one line."""
    try:
        yield
    except ImportError as error:
        raise MissingDependency(
            "EMBEDDING_RUNTIME=torch needs torch and sentence-transformers: "
            "type `poetry install --with train`"
        ) from error
    except _FAILURES as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"{folder}: torch: {reason}") from error
