"""Marks every test by the folder it lies in, so that `-m unit` selects what it says."""

from pathlib import Path

import pytest

pytest_plugins = ["tests.servers"]  # one mongod for all folders

_MARKS = {"unit": "unit", "contracts": "contract", "integration": "integration", "e2e": "e2e"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    root = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(root).parts[0]
        if folder in _MARKS:
            item.add_marker(_MARKS[folder])
