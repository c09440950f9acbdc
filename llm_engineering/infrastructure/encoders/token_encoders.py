"""From token ids to vectors: BERT's own graph, or what torch has exported."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.encoders.batching import Ids, Matrix, unit
from llm_engineering.infrastructure.encoders.bert_folder import BertFolder
from llm_engineering.infrastructure.encoders.bert_graph import build_bert, build_bert_pooler
from llm_engineering.infrastructure.encoders.compiled_graph import CompiledGraph, question_shapes
from llm_engineering.infrastructure.encoders.exporting import exported_graph
from llm_engineering.infrastructure.encoders.model_folder import ModelFolder, UnsupportedModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openvino import Model


class TokenEncoder(Protocol):
    """A compiled model with the files it was made from."""

    graph: CompiledGraph

    @property
    def files(self) -> ModelFolder:
        """The tokenizer and the settings."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a text's vector."""
        ...

    def embed(self, batch: "Mapping[str, Ids]") -> Matrix:
        """Returns the unit vector of each text, [B, dimension]."""
        ...

    def token_states(self, batch: "Mapping[str, Ids]") -> Matrix:
        """Returns the vector of each token, [B, S, hidden size]."""
        ...


def make_token_encoder(folder: Path, device: str, cache: Path | None) -> TokenEncoder:
    """Returns BERT's own graph where the model is one, else the model as exported by torch.

    Args:
        folder: the model.
        device: `cpu` or `gpu`.
        cache: where exported models are kept; None exports nothing.

    Raises:
        ModelError: the files cannot be used.
    """
    files = BertFolder(folder)
    if files.prompts and not files.pools_prompt:
        raise ModelError(
            f"{folder}: it leaves its prompt out of the vectors, which only "
            "EMBEDDING_RUNTIME=torch can do"
        )
    try:
        _ = files.config, files.pooling
    except UnsupportedModel:
        if cache is None:
            raise
        return ExportedEncoder(ModelFolder(folder), device, cache)
    return BertEncoder(files, device)


class BertEncoder:
    """BERT with mean or first-token pooling, from safetensors, without torch."""

    def __init__(self, files: BertFolder, device: str) -> None:
        self.files = files
        self._tokens = CompiledGraph(lambda: build_bert(files.config, files.weights()), device)
        self.graph = CompiledGraph(self._build, device, question_shapes(files.max_sequence))

    @property
    def dimension(self) -> int:
        """Length of a text's vector."""
        return self.files.config.hidden_size

    def embed(self, batch: "Mapping[str, Ids]") -> Matrix:
        """Returns the unit vector of each text."""
        found = self.graph.run(batch)
        return unit(found if self._sums else found[:, 0])  # the sum points where the mean does

    def token_states(self, batch: "Mapping[str, Ids]") -> Matrix:
        """Returns the vector of each token."""
        return self._tokens.run(batch)

    @property
    def _sums(self) -> bool:
        return self.files.pooling == "mean"

    def _build(self) -> "Model":
        build = build_bert_pooler if self._sums else build_bert
        return build(self.files.config, self.files.weights())


class ExportedEncoder:
    """Any model of sentence-transformers with its own pooling and layers, exported once."""

    def __init__(self, files: ModelFolder, device: str, cache: Path) -> None:
        self.files = files
        self._cache = cache
        self.graph = CompiledGraph(self._read, device)

    @cached_property
    def dimension(self) -> int:
        """Length of a text's vector."""
        return int(self._read().output(0).partial_shape[1].get_length())

    def embed(self, batch: "Mapping[str, Ids]") -> Matrix:
        """Returns the unit vector of each text."""
        return unit(self.graph.run(batch, output=0))

    def token_states(self, batch: "Mapping[str, Ids]") -> Matrix:
        """Returns the vector of each token."""
        return self.graph.run(batch, output=1)

    def _read(self) -> "Model":
        return exported_graph(self.files, "embedder", self._cache)


def folder_fingerprint(folder: Path) -> str:
    """Returns what names an embedder's vectors, whichever runtime computes them."""
    files = BertFolder(folder)
    try:
        _ = files.config, files.pooling
    except UnsupportedModel:
        return ModelFolder(folder).fingerprint
    return files.fingerprint
