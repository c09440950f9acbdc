"""Platforms whose folders lie in a folder of the test, and a made-up key."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from llm_engineering.bootstrap import Platform
from llm_engineering.settings import Settings, load_settings

KEY = SecretStr("canary-4711")
Open = Callable[..., Platform]


def opener(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Returns what makes platforms of the given settings alone; the environment has none."""
    monkeypatch.chdir(folder)
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
    names = {"DATA_DIR": "data", "MODELS_DIR": "models", "MODEL_CACHE_DIR": "cache"}
    folders = {setting: folder / name for setting, name in names.items()}
    return lambda **settings: Platform(load_settings(**{**folders, **settings}))
