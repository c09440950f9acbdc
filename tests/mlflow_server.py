"""A real MLflow server, as its own process, on loopback."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.loopback import free_port


@dataclass(frozen=True)
class MLflowServer:
    """Where the server answers, and the folder with its database and files."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    def empty(self) -> None:
        """Deletes all registered models and their files."""
        from mlflow import MlflowClient

        client = MlflowClient(self.url, self.url)
        for model in client.search_registered_models():
            client.delete_registered_model(model.name)
        for stored in (self.folder / "artifacts").rglob("artifacts"):
            shutil.rmtree(stored)

    def stop(self) -> None:
        """Ends the server and its workers."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(30)


@contextmanager
def serving(folder: Path) -> Iterator[MLflowServer]:
    """Runs the server while the block lasts; `folder` may hold a database already."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--artifacts-destination", str(folder / "artifacts")]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        )
    server = MLflowServer(f"http://127.0.0.1:{port}", folder, process)
    try:
        _wait(server)
        yield server
    finally:
        server.stop()


def _wait(server: MLflowServer) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.process.poll() is None, (server.folder / "server.log").read_text()
        try:
            if httpx.get(f"{server.url}/health").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the MLflow server never answered")
