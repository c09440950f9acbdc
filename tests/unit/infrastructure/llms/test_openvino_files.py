"""A GGUF model is prepared once; whatever goes wrong, nothing half-made is left."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.llms.openvino_files import prepared_folder

FILES = "openvino_model.xml openvino_tokenizer.xml openvino_detokenizer.xml"
WRITES_ALL = f'for name in {FILES}; do echo made > "$folder/$name"; done'

Converter = Callable[[str], Path]


@pytest.fixture(autouse=True)
def _openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("openvino_genai")
    module.__version__ = "2026.3.0-7-dirty"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "openvino_genai", module)


@pytest.fixture
def converter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Converter:
    """Puts a program of the test's in the converter's place; returns a file with its calls."""

    def replace(script: str) -> Path:
        calls, program = tmp_path / "calls", tmp_path / "converter"
        calls.touch()
        program.write_text(f'#!/bin/sh\nfolder="$4"\necho "$3" >> "{calls}"\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        return calls

    return replace


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    file = tmp_path / "tiny model.gguf"
    file.write_bytes(b"GGUF" + bytes(1_000_000))
    return file


def left_in(cache: Path) -> list[str]:
    return [path.name for path in (cache / "openvino").iterdir()]


def test_a_model_is_prepared_once(gguf: Path, tmp_path: Path, converter: Converter) -> None:
    calls = converter(WRITES_ALL)
    first = prepared_folder(gguf, tmp_path / "cache")
    assert prepared_folder(gguf, tmp_path / "cache") == first
    assert sorted(file.name for file in first.iterdir()) == sorted(FILES.split())
    assert calls.read_text().splitlines() == [str(gguf)]
    assert left_in(tmp_path / "cache") == [first.name], "and nothing else"


def test_the_folder_is_named_by_model_and_release_of_openvino(
    gguf: Path, tmp_path: Path, converter: Converter
) -> None:
    converter(WRITES_ALL)
    name = prepared_folder(gguf, tmp_path / "cache").name
    assert name.startswith("tiny model-")
    assert name.endswith("-2026.3.0")


@pytest.mark.parametrize("change", ["time", "size", "release"])
def test_another_file_or_release_is_prepared_anew(
    gguf: Path, tmp_path: Path, converter: Converter, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    converter(WRITES_ALL)
    before = prepared_folder(gguf, tmp_path / "cache")
    if change == "time":
        os.utime(gguf, ns=(1, 1))
    elif change == "size":
        status = gguf.stat()
        gguf.write_bytes(b"GGUF")
        os.utime(gguf, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        monkeypatch.setattr("openvino_genai.__version__", "2026.4.0")
    assert prepared_folder(gguf, tmp_path / "cache") != before
    assert before.is_dir(), "another process may be using it"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "echo first >&2; echo 'unsupported tensor type 42' >&2; exit 1",
            "unsupported tensor type",
        ),
        ("exit 3", "ended with status 3"),
        ("kill -SEGV $$", "ended with status -11"),
        ("exit 0", "the converter wrote no model"),
        ('echo x > "$folder/openvino_model.xml"', "the converter wrote no model"),
    ],
)
def test_a_converter_that_fails_is_one_line_and_leaves_nothing(
    gguf: Path, tmp_path: Path, converter: Converter, script: str, reason: str
) -> None:
    converter(script)
    with pytest.raises(ModelError, match=reason) as failure:
        prepared_folder(gguf, tmp_path / "cache")
    told = str(failure.value)
    assert told.startswith("tiny model.gguf: cannot be prepared in ")
    assert "needs 1 MB" in told
    assert "\n" not in told
    assert left_in(tmp_path / "cache") == []


def test_the_last_line_of_a_long_complaint_is_told(
    gguf: Path, tmp_path: Path, converter: Converter
) -> None:
    converter("echo 'Traceback' >&2; printf '%0500d' 7 >&2; exit 1")
    with pytest.raises(ModelError) as failure:
        prepared_folder(gguf, tmp_path / "cache")
    assert "Traceback" not in str(failure.value)
    assert str(failure.value).endswith("0007")
    assert len(str(failure.value)) < 400


def test_another_process_that_was_quicker_is_used(
    gguf: Path, tmp_path: Path, converter: Converter
) -> None:
    """Its folder appears while this one is at work."""
    theirs = '"$(echo "$folder" | sed s/[.][^./]*$//)"'
    converter(f"{WRITES_ALL}; mkdir {theirs}; echo theirs > {theirs}/mark")
    found = prepared_folder(gguf, tmp_path / "cache")
    assert (found / "mark").read_text() == "theirs\n"
    assert left_in(tmp_path / "cache") == [found.name]


def test_a_cache_that_cannot_be_written_is_named(
    gguf: Path, tmp_path: Path, converter: Converter
) -> None:
    converter(WRITES_ALL)
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(ModelError, match=r"tiny model\.gguf: cannot be prepared in .*openvino"):
        prepared_folder(gguf, tmp_path / "cache")
