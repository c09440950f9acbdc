"""A chat model of two layers with its tokenizer, made on the spot."""

from importlib import import_module
from pathlib import Path
from typing import Any

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_tiny_model(folder: Path, seed: int = 17) -> Path:
    """Returns the folder, with a random Llama of 2 layers in the transformers layout."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    marks = ["<|im_start|>", "<|im_end|>", "<pad>"]
    bytes_and_merges = Tokenizer(models.BPE())
    bytes_and_merges.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_and_merges.decoder = decoders.ByteLevel()
    bytes_and_merges.train_from_iterator(
        ["what does the documentation say about topic ? it is explained in one sentence ."] * 20,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=marks,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bytes_and_merges, eos_token=marks[1], pad_token=marks[2]
    )
    tokenizer.chat_template = CHATML
    torch.manual_seed(seed)
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=512,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
