"""Sentence embeddings on OpenVINO: BERT without torch, other models exported by torch once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from tokenizers import Encoding, Tokenizer

from llm_engineering.infrastructure.encoders.batching import (
    Ids,
    Matrix,
    batches_by_length,
    padded,
    unit,
)
from llm_engineering.infrastructure.encoders.model_folder import ModelFolder
from llm_engineering.infrastructure.encoders.token_encoders import TokenEncoder, make_token_encoder

_FEW = 4  # texts: a batch wakes the tokenizer's threads, which costs more
_WINDOW = 2048  # texts that are tokenized and sorted by length together: bounds memory


class OpenVINOEmbeddingModel:
    """Embeds texts; implements EmbeddingModel.

    Files are read, and the graph is built, when they are first needed.

    Args:
        folder: a sentence-transformers folder.
        device: `cpu` or `gpu`.
        cache: where models that torch has to export are kept; None takes BERT alone.
    """

    def __init__(self, folder: Path, device: str = "cpu", cache: Path | None = None) -> None:
        self._folder = folder
        self._device = device
        self._cache = cache

    @property
    def name(self) -> str:
        """The model's folder and where it runs, for people."""
        return f"{self._folder.name} on OpenVINO {self._encoder.graph.precision}"

    @property
    def fingerprint(self) -> str:
        """Names the weights, the tokenizer and the settings that decide the vectors."""
        return self._files.fingerprint

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._encoder.dimension

    @cached_property
    def max_tokens(self) -> int:
        """Tokens of a passage that are read; special tokens and the model's prompt are left out."""
        prompt = len(self.token_spans(self._files.passage_prompt))
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
            MissingDependency: the model has to be exported, and torch is not installed.
            ConfigurationError: the device is not there.
        """
        return self._embed(self._files.passage_prompt, texts, on_done or _ignore)

    def embed_query(self, text: str) -> tuple[float, ...]:
        """Returns the unit vector of a question."""
        return self.embed_queries([text])[0]

    def embed_queries(self, texts: Sequence[str]) -> Sequence[tuple[float, ...]]:
        """Returns the unit vector of every question, in order."""
        return self._embed(self._files.query_prompt, texts, _ignore)

    def query_tokens(self, text: str) -> tuple[Ids, Matrix]:
        """Returns the tokens of a question, [S], and their unit vectors, [S, hidden size].

        Special tokens and the prompt are read, and left out.
        """
        return self._tokens(self._files.query_prompt, [text])[0]

    def passage_tokens(self, texts: Sequence[str]) -> Sequence[tuple[Ids, Matrix]]:
        """Returns for each passage what `query_tokens` returns for a question."""
        return self._tokens(self._files.passage_prompt, texts)

    def _embed(
        self, prompt: str, texts: Sequence[str], on_done: Callable[[int], None]
    ) -> list[tuple[float, ...]]:
        vectors: list[tuple[float, ...]] = []
        for start in range(0, len(texts), _WINDOW):
            window = [prompt + text for text in texts[start : start + _WINDOW]]
            found = np.empty((len(window), self.dimension), np.float32)
            for rows, batch in self._batches(self._encodings(window)):
                found[rows] = self._encoder.embed(batch)
                on_done(len(rows))
            vectors.extend(map(tuple, found.tolist()))
        return vectors

    def _tokens(self, prompt: str, texts: Sequence[str]) -> list[tuple[Ids, Matrix]]:
        found: dict[int, tuple[Ids, Matrix]] = {}
        encodings = self._truncating.encode_batch([prompt + text for text in texts])
        for rows, batch in self._batches(encodings):
            states = unit(self._encoder.token_states(batch))
            for place, row in enumerate(rows):
                own = [
                    number
                    for number, (start, end) in enumerate(encodings[row].offsets)
                    if len(prompt) <= start < end
                ]
                found[row] = batch["input_ids"][place][own], states[place][own]
        return [found[row] for row in range(len(texts))]

    def _encodings(self, texts: list[str]) -> list[Encoding]:
        if len(texts) <= _FEW:
            return [self._truncating.encode(text) for text in texts]
        return self._truncating.encode_batch(texts)

    def _batches(self, encodings: list[Encoding]) -> Iterator[tuple[list[int], Mapping[str, Ids]]]:
        for rows in batches_by_length(encodings):
            chosen = [encodings[row] for row in rows]
            yield rows, padded(chosen, self._files.pad_token_id, self._files.max_sequence)

    @cached_property
    def _encoder(self) -> TokenEncoder:
        return make_token_encoder(self._folder, self._device, self._cache)

    @property
    def _files(self) -> ModelFolder:
        return self._encoder.files

    @cached_property
    def _spans(self) -> Tokenizer:
        return self._files.tokenizer()

    @cached_property
    def _truncating(self) -> Tokenizer:
        tokenizer = self._files.tokenizer()
        tokenizer.enable_truncation(self._files.max_sequence)
        return tokenizer


def _ignore(_: int) -> None:
    """Nobody watches."""
