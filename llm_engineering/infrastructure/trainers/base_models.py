"""The weights a fine-tuning starts from, in the transformers layout."""

import io
import shutil
import struct
from collections.abc import Callable
from contextlib import redirect_stderr
from importlib import import_module
from pathlib import Path
from typing import Any

from llm_engineering.domain.errors import ModelError, PipelineError

# what transformers' reader lets through when a file is cut off or not GGUF at all
_UNREADABLE = (OSError, ValueError, LookupError, struct.error)
_LONGEST = 300


def base_model_source(name: str, model_path: Callable[[str], Path], cache: Path) -> str:
    """Returns what transformers can load: a folder, or a Hugging Face id.

    `name` is a folder, a name that `model_path` knows, or a Hugging Face id. A GGUF file is
    de-quantised below `cache` the first time.

    Raises:
        ModelError: the GGUF file cannot be read.
    """
    if Path(name).is_dir():
        return name
    try:
        path = model_path(name)
    except PipelineError:
        if name.count("/") == 1:
            return name  # not in the catalogue: transformers asks the hub
        raise
    file = _gguf_file(path)
    return str(path) if file is None else str(dequantised(file, cache))


def _gguf_file(path: Path) -> Path | None:
    if path.is_file():
        return path
    if (path / "config.json").is_file():
        return None
    return next(iter(sorted(path.glob("*.gguf"))), None)


def dequantised(file: Path, cache: Path) -> Path:
    """Returns a folder with the model of a GGUF file as 32-bit safetensors and its tokenizer.

    Raises:
        ModelError: the file cannot be read.
    """
    folder = cache / file.stem
    if folder.is_dir():
        return folder
    unfinished = cache / f"{file.stem}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        _convert(file, unfinished)
    except (*_UNREADABLE, ImportError, RuntimeError) as error:
        raise ModelError(f"{file}: cannot be de-quantised: {one_line(error)}") from error
    unfinished.rename(folder)  # only a finished conversion gets the name
    return folder


def one_line(error: Exception) -> str:
    """Returns what a vendor's error says; torch and transformers write whole paragraphs."""
    return " ".join(str(error).split())[:_LONGEST] or type(error).__name__


def _convert(file: Path, folder: Path) -> None:
    torch: Any = import_module("torch")  # here, not above: seconds to import, and optional
    transformers: Any = import_module("transformers")
    with redirect_stderr(io.StringIO()):  # a progress bar that no option of transformers stops
        quantised = transformers.AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, dtype=torch.float32
        )
    config = quantised.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config  # the weights are plain by now; saving refuses otherwise
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(quantised.state_dict())
    model.generation_config = quantised.generation_config
    tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    # transformers reads the wrong end mark from the file; the model's configuration has it right
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(config.eos_token_id)
    tokenizer.pad_token = tokenizer.eos_token
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
