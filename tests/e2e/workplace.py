"""A data folder of its own, a site to crawl, and the commands and the service over them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from tests.e2e.site import Site

ROOT = Path(__file__).parents[2]
PUMP = "How high must the water stand before the bilge pump starts?"


@dataclass
class Workplace:
    """A data folder of its own, and the commands over it."""

    folder: Path
    site: Site

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATA_DIR": str(self.folder / "data"),
            "MODELS_DIR": os.environ.get("MODELS_DIR", str(ROOT / ".models")),
            "LOCAL_MODEL_ID": "smollm2-135m-instruct",
            "MAX_NEW_TOKENS_INFERENCE": "48",
        }

    def run(self, module: str, *arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == status, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def crawl(self, status: int = 0) -> dict[str, object]:
        config = self.folder / "etl.yaml"
        link = {"url": f"{self.site.url}/", "depth": 2}
        config.write_text(
            yaml.safe_dump(
                {
                    "authors": [{"name": "Ada Lovelace", "links": [link]}],
                    "allowed_private_hosts": [self.site.host],
                }
            )
        )
        out = self.run("tools.run", "etl", "--config", str(config), "--json", status=status)
        report: dict[str, object] = json.loads(out)
        return report

    def index(self) -> dict[str, int]:
        report: dict[str, int] = json.loads(self.run("tools.run", "feature", "--json"))
        return report


class Served:
    """`poe serve` as its own process."""

    def __init__(self, workplace: Workplace) -> None:
        self.workplace = workplace
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = workplace.folder / "serve.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tools.run", "serve", "--port", str(port)],
                cwd=ROOT,
                env=workplace.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"never ready: {self.log.read_text()}")

    def ask(self, query: str, **fields: object) -> httpx.Response:
        return httpx.post(f"{self.url}/rag", json={"query": query, **fields}, timeout=120)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def fill(site: Site) -> None:
    """Puts two articles and a front page on the site."""
    site.article(
        "/pump.html",
        "The bilge pump",
        [
            "The bilge pump starts when the water stands above 4 centimetres. It stops by "
            "itself after two minutes, or when the float has come down again.",
            "Clean the strainer every month, because weed in the strainer stops the pump.",
        ],
        "Grace Hopper",
    )
    site.article(
        "/orchard.html",
        "The orchard",
        [
            "Apple trees are pruned in late winter, before the buds open and the sap rises.",
            "Water young trees in the evening, so that little of the water is lost.",
        ],
        "Ada Lovelace",
    )
    site.index()
