"""`poe upload-tracking`, over sessions and a server in memory."""

import json

import pytest
from typer.testing import CliRunner

from llm_engineering.bootstrap import Platform
from llm_engineering.domain.errors import StoreUnavailable
from tools.tracking import app


class Sessions:
    """Sessions that wait, and the page that each one becomes."""

    def __init__(self, pages: dict[str, str], down: str = "") -> None:
        self._pages = pages
        self._down = down
        self.uploaded: list[str] = []

    def waiting(self) -> list[str]:
        return list(self._pages)

    def upload(self, session: str) -> str:
        if session == self._down:
            raise StoreUnavailable("the ClearML server does not answer")
        self.uploaded.append(session)
        return self._pages[session]


def uploading(monkeypatch: pytest.MonkeyPatch, *sessions: Sessions) -> None:
    named = {str(n): one for n, one in enumerate(sessions)}
    monkeypatch.setattr(Platform, "session_uploads", lambda _: named)


def test_every_session_is_uploaded_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Sessions({"a": "http://c/1"}), Sessions({"b": "http://c/2", "c": "http://c/2"})
    uploading(monkeypatch, first, second)
    done = CliRunner().invoke(app, ["--json"])
    assert json.loads(done.output) == {"sessions": 3, "pages": ["http://c/1", "http://c/2"]}
    assert (first.uploaded, second.uploaded) == (["a"], ["b", "c"])
    assert "3 sessions are on the server" in CliRunner().invoke(app, []).output


def test_where_nothing_waits_nothing_is_uploaded(monkeypatch: pytest.MonkeyPatch) -> None:
    uploading(monkeypatch, Sessions({}))
    done = CliRunner().invoke(app, [])
    assert (done.exit_code, "nothing was recorded offline" in done.output) == (0, True)


def test_a_server_that_is_down_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions({"a": "http://c/1", "b": "http://c/1"}, down="b")
    uploading(monkeypatch, sessions)
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 1
    assert "error: the ClearML server does not answer" in done.output
    assert sessions.uploaded == ["a"]


def test_what_was_uploaded_before_the_outage_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sessions = Sessions({"a": "http://c/1", "b": "http://c/1"}, down="b")
    uploading(monkeypatch, sessions)
    CliRunner().invoke(app, [])
    rest = Sessions({"b": "http://c/1"})
    uploading(monkeypatch, rest)
    done = CliRunner().invoke(app, [])
    assert (done.exit_code, rest.uploaded) == (0, ["b"])
    assert "1 sessions are on the server" in done.output


def test_an_outage_prints_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    uploading(monkeypatch, Sessions({"a": "http://c/1"}, down="a"))
    done = CliRunner().invoke(app, ["--json"])
    assert (done.exit_code, done.stdout) == (1, "")
