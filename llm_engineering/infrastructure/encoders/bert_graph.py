"""BERT's encoder as an OpenVINO graph, straight from its weights: no torch, no export.

The architecture is that of Devlin et al. 2019 (https://arxiv.org/abs/1810.04805) as Hugging Face's
`BertModel` computes it, dropout and pooler left out.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.encoders.bert_folder import BertConfig

if TYPE_CHECKING:
    from openvino import Model, Node

Array = npt.NDArray[np.float32]
Weights = Mapping[str, Array]
_MASKED = -1e4  # added to a masked score: e to this power is 0, also in 16 bits


def build_bert(config: BertConfig, weights: Weights) -> "Model":
    """Returns the graph from `input_ids` and `attention_mask` [B, S] to token vectors [B, S, H].

    All tokens are of segment 0, as in sentence embedding.

    Raises:
        ModelError: a weight is missing or of another shape than the configuration says.
    """
    return _Builder(config, weights).model()


def build_bert_pooler(config: BertConfig, weights: Weights) -> "Model":
    """Returns the graph of `build_bert` to the sum of each text's token vectors, [B, H].

    The sum is a product with the mask, for a reason: what follows a graph's last product, and
    through the residual connections that is every sum and norm of BERT, OpenVINO keeps in 32-bit
    floats. With a product at the end, 16 bits serve there too (docs/benchmarks.md).

    Raises:
        ModelError: a weight is missing or of another shape than the configuration says.
    """
    return _Builder(config, weights).pooler()


def build_bert_classifier(config: BertConfig, weights: Weights) -> "Model":
    """Returns the graph from a pair of texts to the logits [B, labels] of `classifier`.

    Inputs are `input_ids`, `attention_mask` and `token_type_ids`, [B, S] each; the first token's
    vector goes through the pooler, as in Hugging Face's `BertForSequenceClassification`.

    Raises:
        ModelError: a weight is missing or of another shape than the configuration says.
    """
    return _Builder(config, weights).classifier()


class _Builder:
    """Adds layer to layer."""

    def __init__(self, config: BertConfig, weights: Weights) -> None:
        from openvino import opset13  # noqa: PLC0415 - 0.3 s, only needed with a model

        self.ops = opset13
        self.config = config
        self.weights = weights
        self.heads = config.num_attention_heads
        self.head_size = config.hidden_size // config.num_attention_heads

    def model(self) -> "Model":
        from openvino import Model  # noqa: PLC0415 - see above

        ids, mask = self._input("input_ids"), self._input("attention_mask")
        return Model([self._one_segment(ids, mask)], [ids, mask], "bert")

    def pooler(self) -> "Model":
        from openvino import Model  # noqa: PLC0415 - see above

        ids, mask = self._input("input_ids"), self._input("attention_mask")
        counted = self.ops.unsqueeze(self.ops.convert(mask, np.float32), [1])
        sums = self.ops.matmul(counted, self._one_segment(ids, mask), False, False)
        return Model([self.ops.squeeze(sums, [1])], [ids, mask], "bert-pooler")

    def classifier(self) -> "Model":
        from openvino import Model  # noqa: PLC0415 - see above

        ids, mask = self._input("input_ids"), self._input("attention_mask")
        segments = self._input("token_type_ids")
        table = self._weight("embeddings.token_type_embeddings.weight")
        states = self._encoded(self._embeddings(ids, self.ops.gather(table, segments, 0)), mask)
        first = self.ops.gather(states, np.int64(0), 1)
        pooled = self.ops.tanh(self._linear(first, "pooler.dense"))
        logits = self._linear(pooled, "classifier")
        return Model([logits], [ids, mask, segments], "bert-classifier")

    def _input(self, name: str) -> "Node":
        return self.ops.parameter([-1, -1], np.int64, name=name)

    def _one_segment(self, ids: "Node", mask: "Node") -> "Node":
        segment = self._weight("embeddings.token_type_embeddings.weight")[0]
        return self._encoded(self._embeddings(ids, segment), mask)

    def _encoded(self, states: "Node", mask: "Node") -> "Node":
        bias = self._attention_bias(mask)
        for number in range(self.config.num_hidden_layers):
            states = self._layer(states, bias, f"encoder.layer.{number}")
        return states

    def _embeddings(self, ids: "Node", segments: Any) -> "Node":
        words = self.ops.gather(self._weight("embeddings.word_embeddings.weight"), ids, 0)
        table = self._weight("embeddings.position_embeddings.weight")
        length = self.ops.gather(self.ops.shape_of(ids), [1], 0)
        positions = self.ops.add(self.ops.slice(table, [0], length, [1], [0]), segments)
        return self._norm(self.ops.add(words, positions), "embeddings.LayerNorm")

    def _attention_bias(self, mask: "Node") -> "Node":
        """Returns 0 for a token and a large negative number for padding, [B, 1, 1, S]."""
        absent = self.ops.subtract(np.float32(1), self.ops.convert(mask, np.float32))
        return self.ops.unsqueeze(self.ops.multiply(absent, np.float32(_MASKED)), [1, 2])

    def _layer(self, states: "Node", bias: "Node", name: str) -> "Node":
        context = self._attention(states, bias, f"{name}.attention.self")
        attended = self._linear(context, f"{name}.attention.output.dense")
        states = self._norm(self.ops.add(attended, states), f"{name}.attention.output.LayerNorm")
        inner = self._activation(self._linear(states, f"{name}.intermediate.dense"))
        outer = self._linear(inner, f"{name}.output.dense")
        return self._norm(self.ops.add(outer, states), f"{name}.output.LayerNorm")

    def _attention(self, states: "Node", bias: "Node", name: str) -> "Node":
        """Written out: `scaled_dot_product_attention` would turn the keys round in memory."""
        scale = np.float32(self.head_size**-0.5)
        weight, shift = self._weight(f"{name}.query.weight"), self._weight(f"{name}.query.bias")
        query = self._heads(self._affine(states, weight * scale, shift * scale))
        key, value = (self._heads(self._linear(states, f"{name}.{p}")) for p in ("key", "value"))
        scores = self.ops.add(self.ops.matmul(query, key, False, True), bias)
        context = self.ops.matmul(self.ops.softmax(scores, -1), value, False, False)
        joined = self.ops.transpose(context, [0, 2, 1, 3])
        return self.ops.reshape(joined, [0, 0, self.config.hidden_size], special_zero=True)

    def _heads(self, states: "Node") -> "Node":
        """Turns [B, S, H] into [B, heads, S, head size]."""
        shape = [0, 0, self.heads, self.head_size]
        return self.ops.transpose(self.ops.reshape(states, shape, special_zero=True), [0, 2, 1, 3])

    def _linear(self, states: "Node", name: str) -> "Node":
        return self._affine(states, self._weight(f"{name}.weight"), self._weight(f"{name}.bias"))

    def _affine(self, states: "Node", weight: Array, bias: Array) -> "Node":
        return self.ops.add(self.ops.matmul(states, weight, False, True), bias)

    def _norm(self, states: "Node", name: str) -> "Node":
        centred = self.ops.mvn(states, [-1], True, self.config.layer_norm_eps, "inside_sqrt")
        scaled = self.ops.multiply(centred, self._weight(f"{name}.weight"))
        return self.ops.add(scaled, self._weight(f"{name}.bias"))

    def _activation(self, states: "Node") -> "Node":
        kind = self.config.hidden_act
        if kind == "relu":
            return self.ops.relu(states)
        return self.ops.gelu(states, "erf" if kind == "gelu" else "tanh")

    def _weight(self, name: str) -> Array:
        try:
            return self.weights[name]
        except KeyError:
            raise ModelError(f"model.safetensors: weight {name} is missing") from None
