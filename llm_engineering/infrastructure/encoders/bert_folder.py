"""A sentence-transformers folder of a BERT model: its settings, weights and tokenizer."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from llm_engineering.domain.errors import ModelError
from llm_engineering.domain.ids import fingerprint

Pooling = Literal["mean", "cls"]
_KNOWN_MODULES = ("Transformer", "Pooling", "Normalize")
_OLD_POOLING_KEYS: dict[str, Pooling] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
}


class BertConfig(BaseModel):
    """The part of a BERT `config.json` that decides the vectors."""

    model_type: Literal["bert"]
    position_embedding_type: Literal["absolute"] = "absolute"
    hidden_act: Literal["gelu", "gelu_new", "gelu_pytorch_tanh", "relu"] = "gelu"
    hidden_size: int = Field(gt=0)
    num_attention_heads: int = Field(gt=0)
    num_hidden_layers: int = Field(gt=0)
    max_position_embeddings: int = Field(gt=0)
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 0


@dataclass(frozen=True)
class BertFolder:
    """Reads what an embedder needs; every problem is a ModelError that names the file."""

    folder: Path

    @cached_property
    def config(self) -> BertConfig:
        """The architecture; only plain BERT is known here."""
        try:
            return BertConfig.model_validate(self._json("config.json"))
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            key = ".".join(map(str, problem["loc"]))
            raise ModelError(
                f"{self.folder / 'config.json'}: {key} is {problem['input']!r}: {problem['msg']}"
            ) from error

    @cached_property
    def max_sequence(self) -> int:
        """Tokens the model reads, special tokens included."""
        limit = self._json("sentence_bert_config.json", {}).get("max_seq_length")
        return min(
            int(limit or self.config.max_position_embeddings), self.config.max_position_embeddings
        )

    @cached_property
    def pooling(self) -> Pooling:
        """How token vectors become one vector.

        Raises:
            ModelError: it is neither `mean` nor `cls`, or a module of another kind follows.
        """
        folder = "1_Pooling"
        for module in self._json("modules.json"):
            kind = str(module["type"]).rpartition(".")[2]
            if kind not in _KNOWN_MODULES:
                raise ModelError(
                    f"{self.folder / 'modules.json'}: module {kind} is not supported "
                    f"(supported: {', '.join(_KNOWN_MODULES)})"
                )
            folder = module["path"] if kind == "Pooling" else folder
        return self._pooling_mode(f"{folder}/config.json")

    def _pooling_mode(self, name: str) -> Pooling:
        settings = self._json(name)
        modes = [
            key for key, on in settings.items() if key.startswith("pooling_mode_") and on is True
        ]
        modes = [_OLD_POOLING_KEYS.get(key, key) for key in modes] or [
            str(settings.get("pooling_mode"))
        ]
        if modes == ["mean"]:
            return "mean"
        if modes == ["cls"]:
            return "cls"
        raise ModelError(
            f"{self.folder / name}: pooling {'+'.join(modes)} is not supported "
            "(supported: mean, cls)"
        )

    @cached_property
    def prompts(self) -> Mapping[str, str]:
        """What the model wants in front of a `query` or a `document`, by those names."""
        prompts = self._json("config_sentence_transformers.json", {}).get("prompts") or {}
        return {str(name): str(text) for name, text in prompts.items()}

    @cached_property
    def fingerprint(self) -> str:
        """Names weights, tokenizer and settings; the number format of the processor is left out."""
        return fingerprint(
            "bert-1",
            self._sha256("model.safetensors"),
            self._sha256("tokenizer.json"),
            self.config.model_dump_json(),
            json.dumps(self.prompts, sort_keys=True),
            self.pooling,
            self.max_sequence,
        )

    def tokenizer(self) -> Tokenizer:
        """Returns a new tokenizer that neither truncates nor pads."""
        path = self._existing("tokenizer.json")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises bare Exception for a corrupt file
            raise ModelError(f"{path}: not a tokenizer ({error})") from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Returns the weights by name, without the prefix `bert.`, as 32-bit floats."""
        path = self._existing("model.safetensors")
        try:
            tensors = load_file(path)
        except (SafetensorError, OSError, TypeError, KeyError) as error:
            raise ModelError(f"{path}: not readable as safetensors ({error})") from error
        return {
            name.removeprefix("bert."): tensor.astype(np.float32, copy=False)
            for name, tensor in tensors.items()
        }

    def _json(self, name: str, missing: Any = None) -> Any:
        path = self.folder / name
        if missing is not None and not path.exists():
            return missing
        try:
            return json.loads(self._existing(name).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ModelError(f"{path}: not JSON ({error})") from error

    def _sha256(self, name: str) -> str:
        with self._existing(name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _existing(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise ModelError(f"{path}: missing; a sentence-transformers folder of BERT has it")
        return path
