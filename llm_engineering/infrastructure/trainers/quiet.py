"""Keeps transformers and datasets off the terminal: progress is the caller's to show."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


@contextmanager
def quiet_vendors() -> Iterator[None]:
    """Switches their progress bars and notices off inside the block; errors are still shown."""
    datasets: Any = import_module("datasets")  # here, not above: seconds to import, and optional
    notices: Any = import_module("transformers.utils.logging")
    bars = notices.is_progress_bar_enabled(), datasets.is_progress_bar_enabled()
    level = notices.get_verbosity()
    trl = logging.getLogger("trl")
    trl_level = trl.level
    notices.disable_progress_bar()
    datasets.disable_progress_bars()
    notices.set_verbosity(logging.ERROR)
    trl.setLevel(logging.ERROR)
    try:
        yield
    finally:
        trl.setLevel(trl_level)
        notices.set_verbosity(level)
        if bars[0]:
            notices.enable_progress_bar()
        if bars[1]:
            datasets.enable_progress_bars()
