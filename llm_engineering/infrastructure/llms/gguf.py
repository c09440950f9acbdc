"""Reads the settings at the head of a GGUF file, without its weights.

Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import struct
from pathlib import Path
from typing import BinaryIO

from llm_engineering.domain.errors import ModelError

# value type -> how struct reads it; 8 is a string, 9 an array
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING = 8
_ARRAY = 9
_CONTEXT_LENGTH = ".context_length"
# chat templates, the longest texts, have some thousand bytes; a damaged length asks for terabytes
_LONGEST_TEXT = 1 << 24


def context_length(path: Path) -> int:
    """Returns how many tokens, prompt and answer together, the model was trained to read.

    Raises:
        ModelError: the file is not GGUF, or does not say.
    """
    try:
        with path.open("rb") as file:
            return _context_length(file)
    # ValueError and OverflowError: text, NaN or infinity where a number belongs
    except (OSError, struct.error, ValueError, OverflowError, KeyError, RecursionError) as error:
        raise ModelError(f"{path}: not a GGUF model that can be read") from error


def _context_length(file: BinaryIO) -> int:
    if file.read(4) != b"GGUF":
        raise KeyError("magic")
    _version, _tensors, count = _read(file, "IQQ")
    for _ in range(count):
        key = _string(file)
        value = _value(file, _read(file, "I")[0])
        if key.endswith(_CONTEXT_LENGTH):
            return int(value)
    raise KeyError(_CONTEXT_LENGTH)


def _value(file: BinaryIO, kind: int) -> int | str:
    """Reads one value; arrays are read past, and the long ones come after what we look for."""
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        return _read(file, _SCALARS[kind])[0]
    item_kind, length = _read(file, "IQ")
    for _ in range(length):
        _value(file, item_kind)
    return length


def _string(file: BinaryIO) -> str:
    (length,) = _read(file, "Q")
    if length > _LONGEST_TEXT:
        raise KeyError(length)
    return file.read(length).decode("utf-8")


def _read(file: BinaryIO, layout: str) -> tuple[int, ...]:
    layout = f"<{layout}"
    return struct.unpack(layout, file.read(struct.calcsize(layout)))
