"""Models that torch exports for OpenVINO once, kept by fingerprint and verified."""

import importlib.util
import json
import logging
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from llm_engineering.domain.errors import MissingDependency, ModelError
from llm_engineering.infrastructure.encoders.model_folder import ModelFolder

if TYPE_CHECKING:
    from openvino import Model

Kind = Literal["embedder", "cross-encoder"]
_MANIFEST = "manifest.json"
_LOG = logging.getLogger(__name__)


def exported_graph(files: ModelFolder, kind: Kind, cache: Path) -> "Model":
    """Returns the model's graph: from `cache` if it is whole there, else exported by torch.

    Raises:
        MissingDependency: it has to be exported, and torch is not installed.
        ModelError: it cannot be exported, or the disk is full.
    """
    import openvino  # noqa: PLC0415 - 0.3 s, only needed with a model

    version = openvino.__version__.split("-")[0]
    target = cache / "openvino" / f"{kind}-{files.fingerprint}-{version}"
    if not _is_whole(target):
        if target.exists():
            _LOG.warning("%s is damaged and is exported again", target)
        _export_into(target, files, kind)
    return openvino.Core().read_model(target / "model.xml")


def _is_whole(folder: Path) -> bool:
    """Returns whether every file has the hash that was noted when it was written."""
    kept = ModelFolder(folder)
    try:
        hashes: dict[str, str] = kept.json(_MANIFEST)
        return {"model.xml", "model.bin"} <= set(hashes) and all(
            kept.sha256(name) == known for name, known in hashes.items()
        )
    except (ModelError, OSError, TypeError):
        return False


def _export_into(target: Path, files: ModelFolder, kind: Kind) -> None:
    """Writes the graph beside the target, and moves it there when it is whole."""
    for package in ("torch", "sentence_transformers"):
        if not _is_installed(package):
            raise MissingDependency(
                f"{files.folder}: this architecture needs {package} once, to be exported: "
                "type `poetry install --with train`"
            )
    partial = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
        _export(files.folder, kind, partial)
        written = ModelFolder(partial)
        hashes = {name: written.sha256(name) for name in ("model.xml", "model.bin")}
        (partial / _MANIFEST).write_text(json.dumps(hashes), encoding="utf-8")
        if not _is_whole(target):  # another process may have been quicker
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
    except (OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())[-300:]
        raise ModelError(
            f"{files.folder}: cannot be exported into {target.parent}: {reason}"
        ) from error
    finally:
        if partial:
            shutil.rmtree(partial, ignore_errors=True)


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _export(folder: Path, kind: Kind, target: Path) -> None:
    program = Path(__file__).with_name("export_program.py")
    # -P: the program's folder is no place to import from
    command = [sys.executable, "-P", str(program), kind, str(folder), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        raise RuntimeError(lines[-1])
