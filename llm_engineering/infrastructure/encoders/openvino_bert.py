"""Sentence embeddings on OpenVINO for BERT-type sentence-transformers folders, without torch."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from llm_engineering.domain.errors import ConfigurationError, ModelError
from llm_engineering.infrastructure.encoders.bert_folder import BertFolder
from llm_engineering.infrastructure.encoders.bert_graph import build_bert

if TYPE_CHECKING:
    from openvino import InferRequest

Matrix = npt.NDArray[np.float32]
_BATCH = 16  # texts a run of the graph; larger ones leave the processor's caches
_BUCKET = 16  # sequence lengths are rounded up to a multiple: the graph is compiled per shape
_WINDOW = 2048  # texts that are tokenized and sorted by length together: bounds memory


class OpenVINOEmbeddingModel:
    """Embeds texts; implements EmbeddingModel.

    Files are read, and the graph is built, when they are first needed. One run of the graph uses
    all cores, so runs take turns.

    Args:
        folder: config.json, model.safetensors, tokenizer.json, modules.json and what it names.
        device: `cpu` or `gpu`.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self._files = BertFolder(folder)
        self._device = device.upper()
        self._lock = Lock()

    @property
    def fingerprint(self) -> str:
        """Names the weights, the tokenizer and the settings that decide the vectors."""
        return self._files.fingerprint

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._files.config.hidden_size

    @cached_property
    def max_tokens(self) -> int:
        """Tokens of a passage that are read; special tokens and the model's prompt are left out."""
        prompt = len(self.token_spans(self._prompt("document")))
        return self._files.max_sequence - self._spans.num_special_tokens_to_add(False) - prompt

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Returns start and end of every token, as far as the text goes."""
        offsets: list[tuple[int, int]] = self._spans.encode(text, add_special_tokens=False).offsets
        return offsets

    def embed_passages(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Sequence[tuple[float, ...]]:
        """Returns the unit vector of every text, in order.

        Raises:
            ModelError: the files cannot be used, or the run failed.
            ConfigurationError: the device is not there.
        """
        prompt = self._prompt("document")
        vectors: list[tuple[float, ...]] = []
        for start in range(0, len(texts), _WINDOW):
            window = [prompt + text for text in texts[start : start + _WINDOW]]
            vectors.extend(map(tuple, self._embed(window, on_done or _ignore).tolist()))
        return vectors

    def embed_query(self, text: str) -> tuple[float, ...]:
        """Returns the unit vector of a question."""
        return self.embed_queries([text])[0]

    def embed_queries(self, texts: Sequence[str]) -> Sequence[tuple[float, ...]]:
        """Returns the unit vector of every question, in order."""
        prompt = self._prompt("query")
        vectors = self._embed([prompt + text for text in texts], _ignore)
        return [tuple(vector) for vector in vectors.tolist()]

    def _embed(self, texts: Sequence[str], on_done: Callable[[int], None]) -> Matrix:
        encodings = self._truncating.encode_batch(list(texts))
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for rows in _batches_by_length(encodings):
            vectors[rows] = self._run([encodings[row] for row in rows])
            on_done(len(rows))
        return vectors

    def _run(self, encodings: Sequence[Encoding]) -> Matrix:
        ids, mask = _padded(encodings, self._files.config.pad_token_id, self._files.max_sequence)
        try:
            with self._lock:
                outputs = self._request.infer({"input_ids": ids, "attention_mask": mask})
                states: Matrix = np.array(next(iter(outputs.values())), np.float32)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO on {self._device}: {_first_line(error)}") from error
        return _unit(_pooled(states, mask, self._files.pooling))

    def _prompt(self, name: str) -> str:
        return self._files.prompts.get(name, "")

    @cached_property
    def _spans(self) -> Tokenizer:
        return self._files.tokenizer()

    @cached_property
    def _truncating(self) -> Tokenizer:
        tokenizer = self._files.tokenizer()
        tokenizer.enable_truncation(self._files.max_sequence)
        return tokenizer

    @cached_property
    def _request(self) -> "InferRequest":
        """The compiled graph; built once, under the lock of `_run`."""
        from openvino import Core  # noqa: PLC0415 - 0.3 s, only needed with a model

        core = Core()
        if self._device not in {name.partition(".")[0] for name in core.available_devices}:
            known = ", ".join(name.lower() for name in core.available_devices)
            raise ConfigurationError(
                f"RAG_MODEL_DEVICE={self._device.lower()}: OpenVINO sees only {known}"
            )
        graph = build_bert(self._files.config, self._files.weights())
        return core.compile_model(graph, self._device, self._options(core)).create_infer_request()

    def _options(self, core: Any) -> dict[str, object]:
        able = core.get_property(self._device, "OPTIMIZATION_CAPABILITIES")
        options: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if "BF16" in able else "f32",
        }
        if self._device == "CPU":
            options["ENABLE_CPU_PINNING"] = False
        return options


def _ignore(_: int) -> None:
    """Nobody watches."""


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _batches_by_length(encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    """Yields the numbers of texts of similar length, longest first: little is padding."""
    order = sorted(range(len(encodings)), key=lambda row: -len(encodings[row]))
    for start in range(0, len(order), _BATCH):
        yield order[start : start + _BATCH]


def _padded(
    encodings: Sequence[Encoding], pad: int, limit: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Returns token ids and attention mask [B, S], S a multiple of the bucket but for the limit."""
    longest = max(len(encoding) for encoding in encodings)
    width = min(-(-longest // _BUCKET) * _BUCKET, limit)
    ids = np.full((len(encodings), width), pad, np.int64)
    mask = np.zeros((len(encodings), width), np.int64)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding)] = encoding.ids
        mask[row, : len(encoding)] = 1
    return ids, mask


def _pooled(states: Matrix, mask: npt.NDArray[np.int64], pooling: str) -> Matrix:
    if pooling == "cls":
        return states[:, 0]
    weights = (mask / mask.sum(axis=1, keepdims=True)).astype(np.float32)
    pooled: Matrix = np.einsum("bsh,bs->bh", states, weights)
    return pooled


def _unit(vectors: Matrix) -> Matrix:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Matrix = vectors / np.maximum(norms, np.float32(1e-12))
    return unit
