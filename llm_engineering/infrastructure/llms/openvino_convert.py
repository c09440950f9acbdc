"""Run as a program: writes a GGUF model and its tokenizer in OpenVINO's format.

A process of its own, because a damaged file crashes the reader, and because the reader's memory
(three times the file) is given back at its end. It imports nothing of the platform.
"""

import sys
from pathlib import Path


def convert(gguf: Path, folder: Path) -> None:
    """Writes model and tokenizer into the folder, which must be empty."""
    import openvino_genai as genai  # noqa: PLC0415 - slow to import

    link = folder / "model.gguf"  # OpenVINO saves beside the file, and only there
    link.symlink_to(gguf.absolute())
    tokenizer = genai.Tokenizer(link, enable_save_ov_model=True)
    scheduler = genai.SchedulerConfig()
    scheduler.cache_size = 1
    genai.ContinuousBatchingPipeline(link, tokenizer, scheduler, "CPU", enable_save_ov_model=True)
    link.unlink()


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
