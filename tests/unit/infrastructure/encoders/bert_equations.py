"""BERT's arithmetic written out in numpy, for one text."""

import math

import numpy as np
import numpy.typing as npt

from tests.unit.infrastructure.encoders.bert_making import CONFIG, Weights

Array = npt.NDArray[np.float64]


def norm(states: Array, weights: Weights, name: str) -> Array:
    centred = states - states.mean(-1, keepdims=True)
    scaled = centred / np.sqrt(states.var(-1, keepdims=True) + CONFIG["layer_norm_eps"])
    return np.asarray(scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"])


def linear(states: Array, weights: Weights, name: str) -> Array:
    return np.asarray(states @ weights[f"{name}.weight"].T + weights[f"{name}.bias"])


def attention(states: Array, weights: Weights, name: str) -> Array:
    parts = []
    query, key, value = (linear(states, weights, f"{name}.{p}") for p in ("query", "key", "value"))
    for head in range(CONFIG["num_attention_heads"]):
        columns = slice(head * 4, head * 4 + 4)
        scores = np.exp(query[:, columns] @ key[:, columns].T / math.sqrt(4))
        parts.append(scores / scores.sum(-1, keepdims=True) @ value[:, columns])
    return np.concatenate(parts, axis=-1)


def token_vectors(weights: Weights, ids: list[int], segments: list[int] | None = None) -> Array:
    """Returns what Devlin et al.'s equations give for one text, without padding."""
    table = weights["embeddings.word_embeddings.weight"][ids]
    places = weights["embeddings.position_embeddings.weight"][: len(ids)]
    segment = weights["embeddings.token_type_embeddings.weight"][segments or [0] * len(ids)]
    states = norm((table + places + segment).astype(np.float64), weights, "embeddings.LayerNorm")
    erf = np.vectorize(math.erf)
    for number in range(CONFIG["num_hidden_layers"]):
        name = f"encoder.layer.{number}"
        context = attention(states, weights, f"{name}.attention.self")
        attended = linear(context, weights, f"{name}.attention.output.dense")
        states = norm(attended + states, weights, f"{name}.attention.output.LayerNorm")
        inner = linear(states, weights, f"{name}.intermediate.dense")
        inner = inner * (1 + erf(inner / math.sqrt(2))) / 2
        outer = linear(inner, weights, f"{name}.output.dense")
        states = norm(outer + states, weights, f"{name}.output.LayerNorm")
    return states


def logit(weights: Weights, ids: list[int], segments: list[int]) -> float:
    """Returns what pooler and classifier make of a pair."""
    first = token_vectors(weights, ids, segments)[0]
    pooled = np.tanh(linear(first, weights, "pooler.dense"))
    return float(linear(pooled, weights, "classifier")[0])
