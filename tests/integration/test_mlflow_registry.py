"""What only the MLflow adapter has: its cache, its manifest file, and servers that are down."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from llm_engineering.domain.errors import IntegrityError, InvalidInput, StoreUnavailable
from llm_engineering.infrastructure.registry.hashes import files_below
from llm_engineering.infrastructure.registry.mlflow_registry import MLflowRegistry


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture
def registry(folder: Path, tmp_path: Path) -> MLflowRegistry:
    return MLflowRegistry(None, folder=folder, cache=tmp_path / "cache")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.mkdir()
    (path / "config.json").write_text("{}")
    (path / "model.safetensors").write_bytes(b"weights")
    return path


def stored(folder: Path) -> Path:
    """Returns the artifacts of the newest run."""
    return max((folder / "artifacts").glob("*/artifacts"), key=lambda path: path.stat().st_ctime)


def test_a_fetched_model_is_used_again_and_a_damaged_copy_replaced(
    registry: MLflowRegistry, model: Path
) -> None:
    registered = registry.register("cached", model, {}, {})
    first = registry.fetch(registered)
    kept = (first / "config.json").stat().st_ino
    assert (registry.fetch(registered) / "config.json").stat().st_ino == kept
    (first / "model.safetensors").write_bytes(b"damaged")
    (first / "dropped.py").write_text("import os")
    assert files_below(registry.fetch(registered)) == registered.files


def test_another_process_sees_what_was_registered(
    registry: MLflowRegistry, model: Path, folder: Path, tmp_path: Path
) -> None:
    registered = registry.register("shared", model, {"loss": 1.5}, {"a": "b"})
    registry.set_alias("shared", "champion", registered.version)
    other = MLflowRegistry(None, folder=folder, cache=tmp_path / "other")
    seen = other.get("shared", "champion")
    assert (seen.metrics, seen.tags, seen.aliases) == ({"loss": 1.5}, {"a": "b"}, ("champion",))
    assert files_below(other.fetch(seen)) == registered.files


def test_a_changed_manifest_is_noticed(registry: MLflowRegistry, model: Path, folder: Path) -> None:
    registered = registry.register("changed", model, {}, {})
    manifest = stored(folder) / "manifest.json"
    assert json.loads(manifest.read_text()) == registered.files
    manifest.write_text(json.dumps({**registered.files, "../../evil.json": "0" * 64}))
    with pytest.raises(IntegrityError, match="manifest of changed 1 was changed"):
        registry.get("changed", "1")


def test_a_failed_fetch_leaves_nothing_in_the_cache(
    registry: MLflowRegistry, model: Path, folder: Path, tmp_path: Path
) -> None:
    registered = registry.register("halved", model, {}, {})
    (stored(folder) / "model" / "model.safetensors").write_bytes(b"evil")
    with pytest.raises(IntegrityError):
        registry.fetch(registered)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_version_registered_by_other_means_is_refused(
    registry: MLflowRegistry, folder: Path
) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    run = client.create_run("0")
    client.create_registered_model("foreign")
    client.create_model_version("foreign", f"runs:/{run.info.run_id}/m", run.info.run_id)
    with pytest.raises(IntegrityError, match="foreign 1 has no manifest"):
        registry.get("foreign", "1")


def test_a_link_is_not_registered(registry: MLflowRegistry, model: Path) -> None:
    (model / "passwords.txt").symlink_to("/etc/passwd")
    with pytest.raises(InvalidInput, match="a link"):
        registry.register("linked", model, {}, {})


def test_global_state_of_mlflow_is_left_alone(registry: MLflowRegistry, model: Path) -> None:
    import mlflow

    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri(), mlflow.active_run()
    registry.register("quiet", model, {}, {})
    assert (mlflow.get_tracking_uri(), mlflow.get_registry_uri(), mlflow.active_run()) == before
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_a_server_that_is_down_is_an_outage_within_seconds(tmp_path: Path, model: Path) -> None:
    with silent_port() as port:
        pass  # nobody listens there any more
    registry = MLflowRegistry(
        f"http://user:secret@127.0.0.1:{port}", folder=tmp_path, cache=tmp_path / "cache"
    )
    began = time.monotonic()
    with pytest.raises(StoreUnavailable) as outage:
        registry.get("llm", "champion")
    with pytest.raises(StoreUnavailable):
        registry.ping()
    with pytest.raises(StoreUnavailable):
        registry.register("llm", model, {}, {})
    assert time.monotonic() - began < 60
    assert "secret" not in str(outage.value)
    assert str(outage.value).endswith("no connection (Connection refused)")


def test_a_database_that_cannot_be_opened_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"this is not a database" * 100)
    registry = MLflowRegistry(None, folder=tmp_path, cache=tmp_path / "cache")
    with pytest.raises(StoreUnavailable, match=r"mlflow\.db"):
        registry.get("llm", "champion")


@contextmanager
def silent_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener.getsockname()[1]
