"""A tiny BERT with random weights, as an embedder and as a cross-encoder."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing

SEED = 20261122
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "green", "blue", "sky", "grass", "##s", "."]
CONFIG: dict[str, Any] = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": 8,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 20,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
    "vocab_size": len(WORDS),
    "type_vocab_size": 2,
    "architectures": ["BertModel"],
}
TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "model_max_length": 20,
    "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
}
Weights = dict[str, npt.NDArray[np.float32]]


def make_weights() -> Weights:
    """Returns weights for CONFIG, drawn with SEED."""
    random = np.random.default_rng(SEED)
    hidden, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), hidden),
        "embeddings.position_embeddings.weight": (CONFIG["max_position_embeddings"], hidden),
        "embeddings.token_type_embeddings.weight": (2, hidden),
    }
    norms = ["embeddings.LayerNorm"]
    for number in range(CONFIG["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        for part in ("query", "key", "value"):
            shapes |= _linear(f"{layer}.attention.self.{part}", hidden, hidden)
        shapes |= _linear(f"{layer}.attention.output.dense", hidden, hidden)
        shapes |= _linear(f"{layer}.intermediate.dense", inner, hidden)
        shapes |= _linear(f"{layer}.output.dense", hidden, inner)
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    for norm in norms:
        shapes |= {f"{norm}.weight": (hidden,), f"{norm}.bias": (hidden,)}
    return {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def make_folder(folder: Path, pooling: str = "mean_tokens", **config: object) -> Path:
    """Returns the folder, filled; `config` replaces keys of config.json."""
    tokenizer = Tokenizer(WordPiece({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))  # noqa: S106 - a word
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    (folder / "1_Pooling").mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", TOKENIZER)
    write_json(folder / "config.json", CONFIG | config)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 12})
    write_json(
        folder / "1_Pooling" / "config.json",
        {"word_embedding_dimension": CONFIG["hidden_size"], f"pooling_mode_{pooling}": True},
    )
    modules = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    write_json(
        folder / "modules.json",
        [
            {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for n, (kind, path) in enumerate(modules)
        ],
    )
    save_file(make_weights(), folder / "model.safetensors")
    return folder


def make_classifier_weights() -> Weights:
    """Returns make_weights with a pooler and a classifier of one label."""
    random = np.random.default_rng(SEED + 1)
    hidden = CONFIG["hidden_size"]
    head = _linear("pooler.dense", hidden, hidden) | _linear("classifier", 1, hidden)
    return make_weights() | {
        name: random.normal(0, 2, shape).astype(np.float32) for name, shape in head.items()
    }


def make_cross_encoder(folder: Path, **config: object) -> Path:
    """Returns the folder of a BERT that scores pairs, filled; `config` replaces keys."""
    make_folder(folder)
    for name in ("modules.json", "sentence_bert_config.json", "1_Pooling/config.json"):
        (folder / name).unlink()
    architecture = {
        "architectures": ["BertForSequenceClassification"],
        "id2label": {"0": "LABEL_0"},
        "sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"},
    }
    write_json(folder / "config.json", CONFIG | architecture | config)
    weights = {
        name if name.startswith("classifier") else f"bert.{name}": tensor
        for name, tensor in make_classifier_weights().items()
    }
    save_file(weights, folder / "model.safetensors")
    return folder


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def _linear(name: str, rows: int, columns: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}
