"""The head of a GGUF file."""

import contextlib
import math
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    "value",
    [
        struct.pack("<If", 6, math.inf),
        struct.pack("<If", 6, math.nan),
        struct.pack("<Id", 12, -math.inf),
        struct.pack("<I", 8) + text("many"),
        struct.pack("<I", 99),
        struct.pack("<IIQ", 9, 9, 2**63),
    ],
    ids=["infinite", "not a number", "minus infinity", "a text", "unknown kind", "endless list"],
)
def test_a_length_that_is_no_number_is_the_same_error(value: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf(NAME, text("llama.context_length") + value))
    with pytest.raises(ModelError, match="not a GGUF model"):
        context_length(path)


@pytest.mark.parametrize(
    ("kind", "layout", "value"),
    [(0, "B", 200), (2, "H", 2048), (4, "I", 2**31), (5, "i", 4096), (10, "Q", 2**40)],
)
def test_the_length_may_be_any_kind_of_whole_number(
    kind: int, layout: str, value: int, tmp_path: Path
) -> None:
    path = tmp_path / "model.gguf"
    pair = text("llama.context_length") + struct.pack(f"<I{layout}", kind, value)
    path.write_bytes(gguf(NAME, pair))
    assert context_length(path) == value


@pytest.mark.parametrize("layout", ["b", "h", "f", "?", "q", "d"])
def test_every_other_kind_of_value_is_read_past(layout: str, tmp_path: Path) -> None:
    kind = {"b": 1, "h": 3, "f": 6, "?": 7, "q": 11, "d": 12}[layout]
    before = text("some.setting") + struct.pack(f"<I{layout}", kind, 1)
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf(before, LENGTH))
    assert context_length(path) == 32_768


def test_lists_within_lists_are_read_past(tmp_path: Path) -> None:
    inner = struct.pack("<IQ", 8, 1) + text("deep")
    nested = text("some.lists") + struct.pack("<IIQ", 9, 9, 2) + inner * 2
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf(nested, LENGTH))
    assert context_length(path) == 32_768


HOSTILE = {
    "a text that claims to be huge": gguf(struct.pack("<Q", 2**40) + b"x"),
    "a kind that does not exist": gguf(text("x") + struct.pack("<I", 99), LENGTH),
    "text that is no UTF-8": gguf(struct.pack("<Q", 2) + b"\xff\xfe" + struct.pack("<I", 8)),
    "more pairs than there are": b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60) + NAME,
    "lists without end": gguf(text("x") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 5000),
    "a list that claims to be huge": gguf(text("x") + struct.pack("<IIQ", 9, 8, 2**60)),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_head_is_the_same_error_and_costs_nothing(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.gguf: not a GGUF model"):
        context_length(path)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_length_or_our_error(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.gguf")
        path.write_bytes(b"GGUF" + content)
        with contextlib.suppress(ModelError):
            assert isinstance(context_length(path), int)
