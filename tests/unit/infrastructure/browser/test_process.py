from pathlib import Path

import pytest

from llm_engineering.infrastructure.browser import process


@pytest.mark.parametrize(
    ("usual", "base"),
    [
        ("/tmp", "/tmp"),
        ("/var/tmp", "/var/tmp"),
        ("/home/ada/a/folder/with/a/long/name/for/temporary/files", "/tmp"),
    ],
)
def test_a_path_too_long_for_the_sockets_of_a_browser_is_not_used(
    usual: str, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", usual)
    assert process.scratch_base() == Path(base)
