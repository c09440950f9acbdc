"""Unit tests run in memory: a socket to anywhere but a unix path is an error."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_socket

if TYPE_CHECKING:
    from tests.unit.platforms import Open


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()


@pytest.fixture
def platform_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Open":
    """Makes platforms of settings, whose folders lie in a folder of the test."""
    from tests.unit.platforms import opener

    return opener(tmp_path, monkeypatch)
