from pathlib import Path

import pytest

from llm_engineering.infrastructure.mongo import keeper


def test_a_log_that_has_grown_too_long_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / keeper.LOG
    monkeypatch.setattr(keeper, "_LOG_BYTES", 100)
    with log.open("ab") as server:
        server.write(b"x" * 101)
        server.flush()
        keeper._bound(log)
        server.write(b"goes on")
    assert log.read_bytes() == b"goes on"


def test_a_short_log_stays(tmp_path: Path) -> None:
    log = tmp_path / keeper.LOG
    log.write_text("short")
    keeper._bound(log)
    assert log.read_text() == "short"


def test_it_needs_nothing_but_the_standard_library() -> None:
    source = Path(keeper.__file__).read_text(encoding="utf-8")
    assert "llm_engineering" not in source
    assert "pymongo" not in source
