import os
from pathlib import Path

import pytest

from llm_engineering.infrastructure.browser.peers import is_own_connection

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout"


def table(folder: Path, *rows: str) -> Path:
    file = folder / "tcp"
    file.write_text("\n".join([HEAD, *rows, ""]), encoding="ascii")
    return file


def row(local: str, remote: str, uid: int) -> str:
    return f"   0: {local} {remote} 01 00000000:00000000 00:00000000 00000000  {uid}        0 1"


@pytest.mark.parametrize(("uid", "own"), [(os.geteuid(), True), (os.geteuid() + 1, False)])
def test_the_kernel_says_whose_a_connection_is(tmp_path: Path, uid: int, own: bool) -> None:
    rows = [
        row("0100007F:1F90", "0100007F:C350", os.geteuid() + 7),  # the proxy's own end
        row("0100007F:C350", "0100007F:1F90", uid),
    ]
    assert is_own_connection(("127.0.0.1", 50_000), 8080, table(tmp_path, *rows)) is own


def test_a_connection_that_the_kernel_does_not_list_is_nobodys(tmp_path: Path) -> None:
    other = row("0100007F:C351", "0100007F:1F90", os.geteuid())
    assert not is_own_connection(("127.0.0.1", 50_000), 8080, table(tmp_path, other))


def test_without_such_a_table_it_is_taken_for_granted(tmp_path: Path) -> None:
    assert is_own_connection(("127.0.0.1", 50_000), 8080, tmp_path / "none")
