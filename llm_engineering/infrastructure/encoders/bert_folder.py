"""A folder of a BERT model, as an embedder or with a classification head."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file

from llm_engineering.domain.errors import ModelError
from llm_engineering.domain.ids import fingerprint
from llm_engineering.infrastructure.encoders.model_folder import ModelFolder, UnsupportedModel

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
class BertFolder(ModelFolder):
    """Reads what the graph of BERT needs; only plain BERT is known here."""

    @cached_property
    def config(self) -> BertConfig:
        """The architecture.

        Raises:
            UnsupportedModel: it is another one than plain BERT.
        """
        try:
            return BertConfig.model_validate(self.settings)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            key = ".".join(map(str, problem["loc"]))
            raise UnsupportedModel(
                f"{self.folder / 'config.json'}: {key} is {problem['input']!r}: {problem['msg']}"
            ) from error

    @cached_property
    def pooling(self) -> Pooling:
        """How token vectors become one vector.

        Raises:
            UnsupportedModel: it is neither `mean` nor `cls`, or a module of another kind follows.
        """
        folder = "1_Pooling"
        for module in self._modules():
            kind = str(module["type"]).rpartition(".")[2]
            if kind not in _KNOWN_MODULES:
                raise UnsupportedModel(
                    f"{self.folder / 'modules.json'}: module {kind} is not supported "
                    f"(supported: {', '.join(_KNOWN_MODULES)})"
                )
            folder = module["path"] if kind == "Pooling" else folder
        return self._pooling_mode(f"{folder}/config.json")

    def _modules(self) -> Sequence[Mapping[str, str]]:
        modules = self.json("modules.json")
        listed = isinstance(modules, list) and all(isinstance(module, dict) for module in modules)
        if not listed or not all({"type", "path"} <= module.keys() for module in modules):
            raise ModelError(f"{self.folder / 'modules.json'}: not a list of modules")
        return list(modules)

    def _pooling_mode(self, name: str) -> Pooling:
        settings = self.record(name)
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
        raise UnsupportedModel(
            f"{self.folder / name}: pooling {'+'.join(modes)} is not supported "
            "(supported: mean, cls)"
        )

    @cached_property
    def fingerprint(self) -> str:
        """Names weights, tokenizer and settings; the number format of the processor is left out."""
        return fingerprint(
            "bert-1",
            self.sha256("model.safetensors"),
            self.sha256("tokenizer.json"),
            self.config.model_dump_json(),
            json.dumps(self.prompts, sort_keys=True),
            self.pooling,
            self.max_sequence,
        )

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Returns the weights by name, without the prefix `bert.`, as 32-bit floats."""
        path = self.existing("model.safetensors")
        try:
            tensors = load_file(path)
        except (SafetensorError, OSError, TypeError, KeyError) as error:
            raise ModelError(f"{path}: not readable as safetensors ({error})") from error
        return {
            name.removeprefix("bert."): tensor.astype(np.float32, copy=False)
            for name, tensor in tensors.items()
        }
