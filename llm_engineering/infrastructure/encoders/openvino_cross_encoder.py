"""Cross-encoders on OpenVINO: BERT without torch, other models exported by torch once."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

from llm_engineering.domain.ids import fingerprint
from llm_engineering.infrastructure.encoders.batching import batches_by_length, padded
from llm_engineering.infrastructure.encoders.bert_graph import build_bert_classifier
from llm_engineering.infrastructure.encoders.compiled_graph import CompiledGraph
from llm_engineering.infrastructure.encoders.cross_encoder_folder import CrossEncoderFolder
from llm_engineering.infrastructure.encoders.exporting import exported_graph
from llm_engineering.infrastructure.encoders.model_folder import UnsupportedModel

if TYPE_CHECKING:
    from openvino import Model


class OpenVINOCrossEncoder:
    """Reads question and passage together; implements PairScorer.

    Args:
        folder: a sequence classification model with one label.
        device: `cpu` or `gpu`.
        cache: where models that torch has to export are kept; None takes BERT alone.
    """

    def __init__(self, folder: Path, device: str = "cpu", cache: Path | None = None) -> None:
        self._files = CrossEncoderFolder(folder)
        self._cache = cache
        self._graph = CompiledGraph(self._build, device)

    @property
    def runtime(self) -> str:
        """Where it runs, for people."""
        return f"OpenVINO {self._graph.precision}"

    @property
    def fingerprint(self) -> str:
        """Names the weights, the tokenizer and the settings that decide the scores."""
        return fingerprint("cross-encoder-1", self._files.fingerprint)

    def score(self, query: str, passages: Sequence[str]) -> Sequence[float]:
        """Returns a score for each passage, in order: the model's own, as it was trained.

        Raises:
            ModelError: the files cannot be used, or the run failed.
            MissingDependency: the model has to be exported, and torch is not installed.
            ConfigurationError: the device is not there.
        """
        encodings = self._tokenizer.encode_batch([(query, passage) for passage in passages])
        scores = np.empty(len(passages), np.float32)
        for rows in batches_by_length(encodings):
            chosen = [encodings[row] for row in rows]
            batch = padded(chosen, self._files.pad_token_id, self._files.max_sequence)
            scores[rows] = self._files.scores(self._graph.run(batch))
        found: list[float] = scores.tolist()
        return found

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        _ = self._files.activation
        return self._files.pair_tokenizer()

    def _build(self) -> "Model":
        try:
            bert = self._files.bert()
            return build_bert_classifier(bert.config, bert.weights())
        except UnsupportedModel:
            if self._cache is None:
                raise
            return exported_graph(self._files, "cross-encoder", self._cache)
