"""Small embedders and cross-encoders with random weights, of architectures other than BERT."""

from importlib import import_module
from pathlib import Path
from typing import Any

WORDS = ["<pad>", "<s>", "</s>", "<unk>", "red", "green", "blue", "sky", "grass", ".", "is", "the"]
SEED = 17
# tiny configurations of each architecture
CONFIGS: dict[str, dict[str, Any]] = {
    "Roberta": {"type_vocab_size": 1},
    "ModernBert": {"global_attn_every_n_layers": 2, "local_attention": 8},
}
_SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 40,
}


def write_embedder(folder: Path, architecture: str, pooling: str) -> Path:
    """Returns a sentence-transformers folder, with a dense layer after the pooling."""
    torch: Any = import_module("torch")
    library: Any = import_module("sentence_transformers")
    modules: Any = import_module("sentence_transformers.sentence_transformer.modules")
    base: Any = import_module("sentence_transformers.base.modules")
    _write_transformer(folder / "base", architecture, "Model")
    transformer = base.Transformer(str(folder / "base"), max_seq_length=24)
    torch.manual_seed(SEED)
    layers = [transformer, modules.Pooling(32, pooling_mode=pooling), base.Dense(32, 16)]
    model = library.SentenceTransformer(modules=layers, device="cpu")
    model.save_pretrained(str(folder / "model"))
    return folder / "model"


def write_cross_encoder(folder: Path, architecture: str) -> Path:
    """Returns a sequence classification model with one label."""
    return _write_transformer(folder, architecture, "ForSequenceClassification", num_labels=1)


def _write_transformer(folder: Path, architecture: str, head: str, **settings: Any) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    words = Tokenizer(models.WordLevel({w: n for n, w in enumerate(WORDS)}, unk_token="<unk>"))  # noqa: S106
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 1))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",  # noqa: S106 - a word
        unk_token="<unk>",  # noqa: S106 - a word
        cls_token="<s>",  # noqa: S106 - a word
        sep_token="</s>",  # noqa: S106 - a word
        model_max_length=32,
        model_input_names=["input_ids", "attention_mask"],
    )
    config = getattr(transformers, f"{architecture}Config")(
        vocab_size=len(WORDS), pad_token_id=0, **_SIZES, **CONFIGS[architecture], **settings
    )
    torch.manual_seed(SEED)
    model = getattr(transformers, f"{architecture}{head}")(config)
    with torch.no_grad():  # the usual start is so small that every text would look the same
        for weights in model.parameters():
            weights.add_(torch.randn_like(weights) * 0.2)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
