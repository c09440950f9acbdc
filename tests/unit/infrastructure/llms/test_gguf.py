"""The head of a GGUF file."""

import struct
from pathlib import Path

import pytest

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.llms.gguf import context_length


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def gguf(*pairs: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + b"".join(pairs)


NAME = text("general.architecture") + struct.pack("<I", 8) + text("qwen2")
TAGS = text("general.tags") + struct.pack("<IIQ", 9, 8, 2) + text("chat") + text("code")
LENGTH = text("qwen2.context_length") + struct.pack("<II", 4, 32_768)


def test_the_length_is_found_behind_texts_and_lists(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf(NAME, TAGS, LENGTH))
    assert context_length(path) == 32_768


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 not a model", gguf(NAME), gguf(NAME, LENGTH)[:-3]]
)
def test_anything_else_is_one_error_that_names_the_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.gguf: not a GGUF model"):
        context_length(path)


def test_a_missing_file_is_the_same_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.gguf"):
        context_length(tmp_path / "none.gguf")
