"""Marks every test by the folder it lies in, so that `-m unit` selects what it says."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.servers"]  # one mongod for all folders

# how long an example takes is no property of the code: the machine may be busy; and whether a
# change is let in must not be chance
settings.register_profile(
    "project", deadline=None, print_blob=True, derandomize="REPEATABLE_TESTS" in os.environ
)
settings.load_profile("project")

_MARKS = {"unit": "unit", "contracts": "contract", "integration": "integration", "e2e": "e2e"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    root = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(root).parts[0]
        if folder in _MARKS:
            item.add_marker(_MARKS[folder])
