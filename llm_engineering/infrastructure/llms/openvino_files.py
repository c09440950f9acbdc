"""Prepares a GGUF model for OpenVINO once, and keeps the result."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from llm_engineering.domain.errors import ModelError

_PREPARED = ("openvino_model.xml", "openvino_tokenizer.xml", "openvino_detokenizer.xml")


def prepared_folder(gguf: Path, cache: Path) -> Path:
    """Returns a folder with the model and its tokenizer in OpenVINO's format.

    It is made from the GGUF file at first use (about as large as that file) and kept below
    `cache`, by the file's name, size and time and by the version of OpenVINO.

    Raises:
        ModelError: the file cannot be read or converted, or the disk is full.
    """
    import openvino_genai  # noqa: PLC0415 - slow to import

    status = gguf.stat()
    version = openvino_genai.__version__.split("-")[0]
    key = f"{gguf.stem}-{status.st_size:x}-{status.st_mtime_ns:x}-{version}"
    target = cache / "openvino" / key
    if target.is_dir():
        return target
    partial = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{key}.", dir=target.parent))
        _convert(gguf, partial)
        if not target.is_dir():  # another process may have been quicker
            partial.rename(target)
    except (OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())[-200:]
        raise ModelError(
            f"{gguf.name}: cannot be prepared in {target.parent} "
            f"(needs {status.st_size * 1.2 / 1e6:.0f} MB): {reason}"
        ) from error
    finally:
        if partial:
            shutil.rmtree(partial, ignore_errors=True)
    return target


def _convert(gguf: Path, folder: Path) -> None:
    program = Path(__file__).with_name("openvino_convert.py")
    # -P: the program's folder is no place to import from
    command = [sys.executable, "-P", str(program), str(gguf), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        raise RuntimeError(lines[-1])
    if not all((folder / name).is_file() for name in _PREPARED):
        raise RuntimeError("the converter wrote no model")
