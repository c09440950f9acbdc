"""Prepares a GGUF model for OpenVINO once, and keeps the result."""

import shutil
import tempfile
from pathlib import Path

from llm_engineering.domain.errors import ModelError


def prepared_folder(gguf: Path, cache: Path) -> Path:
    """Returns a folder with the model and its tokenizer in OpenVINO's format.

    It is made from the GGUF file at first use (about as large as that file) and kept below
    `cache`, by the file's name, size and time and by the version of OpenVINO.

    Raises:
        ModelError: the file cannot be read or converted, or the disk is full.
    """
    import openvino_genai  # type: ignore[import-untyped]  # noqa: PLC0415 - slow to import

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
    """Writes the model and tokenizer beside a link to the file; OpenVINO saves only there."""
    import openvino_genai as genai  # noqa: PLC0415 - slow to import

    link = folder / "model.gguf"
    link.symlink_to(gguf.absolute())
    tokenizer = genai.Tokenizer(link, enable_save_ov_model=True)
    scheduler = genai.SchedulerConfig()
    scheduler.cache_size = 1
    genai.ContinuousBatchingPipeline(link, tokenizer, scheduler, "CPU", enable_save_ov_model=True)
    link.unlink()
