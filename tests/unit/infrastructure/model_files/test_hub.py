"""The hub as the first source: what it is asked for, and how its failures are told."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import huggingface_hub
import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from llm_engineering.domain.errors import ConfigurationError, ModelError
from llm_engineering.infrastructure.model_files import hub
from llm_engineering.infrastructure.model_files.hub import SAFE_FILES, Hub
from tests.wheel_making import tiny_entry

CONTENT = b"weights" * 10
RESPONSE = httpx.Response(404, request=httpx.Request("GET", "https://hub.example/x"))


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that answers."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(httpx, "head", lambda *_, **__: None)


def downloading(calls: list[tuple[str, dict[str, Any]]]) -> Callable[..., str]:
    """Returns what stands for the hub's own download of one file."""

    def download(repository: str, path: str, **options: Any) -> str:
        calls.append((path, options))
        folder: Path = options["local_dir"]
        (folder / path).write_bytes(CONTENT)
        (folder / ".cache" / "huggingface").mkdir(parents=True)
        bar = options["tqdm_class"](total=len(CONTENT))
        bar.update(30)
        bar.update(len(CONTENT) - 30)
        bar.close()
        return str(folder / path)

    return download


def test_every_file_is_fetched_counted_and_nothing_else_is_left(
    answering: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", downloading(calls))
    heard: list[int] = []
    Hub("canary").fetch(tiny_entry(CONTENT), tmp_path, heard.append)
    ((path, options),) = calls
    assert path == "tiny.gguf"
    assert options["token"] == "canary"  # noqa: S105 - a made up one
    assert heard == [30, 40]
    assert [item.name for item in tmp_path.iterdir()] == ["tiny.gguf"]


def test_without_a_token_none_is_taken_from_the_user(
    answering: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", downloading(calls))
    for token in (None, ""):
        folder = tmp_path / repr(token)
        folder.mkdir()
        Hub(token).fetch(tiny_entry(CONTENT), folder, lambda _: None)
    assert [options["token"] for _, options in calls] == [False, False]


@pytest.mark.parametrize(
    ("vendor", "ours", "transient"),
    [
        (RepositoryNotFoundError("404\nbody", response=RESPONSE), ConfigurationError, False),
        (GatedRepoError("gated", response=RESPONSE), ConfigurationError, False),
        (HFValidationError("bad name"), ConfigurationError, False),
        (HfHubHTTPError("502 bad gateway\nbody", response=RESPONSE), ModelError, True),
        (LocalEntryNotFoundError("no connection\nand more"), ModelError, True),
        (httpx.ConnectError("refused"), ModelError, True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_failures_are_ours_in_one_line_with_the_repository(
    answering: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    vendor: Exception,
    ours: type[Exception],
    transient: bool,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise vendor

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(ours, match="someone/tiny") as caught:
        Hub("canary").fetch(tiny_entry(CONTENT), tmp_path, lambda _: None)
    assert getattr(caught.value, "transient", None) is transient
    assert "\n" not in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is vendor


def test_a_hub_that_does_not_answer_is_left_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise httpx.ConnectError("no route")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(httpx, "head", refuse)
    asked = Hub(None, endpoint="https://hub.example", patience_s=0.05)
    with pytest.raises(ModelError, match=r"hub\.example does not answer within 0\.05 s") as failed:
        asked.fetch(tiny_entry(CONTENT), tmp_path, lambda _: None)
    assert failed.value.transient


def test_a_hub_switched_off_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "_answers", lambda *_: pytest.fail("it was asked"))
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE is set"):
        Hub(None).fetch(tiny_entry(CONTENT), tmp_path, lambda _: None)


def test_of_a_repository_only_what_carries_no_code_is_asked_for(
    answering: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def snapshot(repository: str, **options: Any) -> None:
        asked.update(options, repository=repository)
        (tmp_path / "model.safetensors").write_bytes(CONTENT)
        (tmp_path / ".cache").mkdir()

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    Hub(None, endpoint="https://hub.example").fetch_repository("owner/name", tmp_path)
    assert asked["repository"] == "owner/name"
    assert asked["endpoint"] == "https://hub.example"
    assert asked["allow_patterns"] == list(SAFE_FILES)
    assert not {"*.py", "*.bin", "*.pt", "*.pkl"} & set(asked["allow_patterns"])
    assert [item.name for item in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_repository_without_safe_weights_is_refused(
    answering: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        huggingface_hub,
        "snapshot_download",
        lambda *_, **__: (tmp_path / "config.json").write_text("{}"),
    )
    with pytest.raises(ConfigurationError, match="owner/name: the hub has no safetensors"):
        Hub(None).fetch_repository("owner/name", tmp_path)


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (httpx.ReadTimeout(""), "ReadTimeout"),
        (httpx.ReadError(" \n "), "ReadError"),
        (httpx.ConnectError("refused\nby peer"), "refused"),
    ],
)
def test_a_failure_that_says_nothing_is_told_by_its_name(
    answering: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    told: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(ModelError, match=rf"^someone/tiny: {told}$") as caught:
        Hub(None).fetch(tiny_entry(CONTENT), tmp_path, lambda _: None)
    assert caught.value.transient


@pytest.mark.parametrize(
    "endpoint", ["http://hub:port", "nonsense", "ftp://hub.example", "http://"]
)
def test_an_endpoint_that_is_no_address_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with pytest.raises(ModelError, match=f"^{re.escape(endpoint)} does not answer within 0.5 s"):
        Hub(None, endpoint, patience_s=0.5).fetch(tiny_entry(CONTENT), tmp_path, lambda _: None)
