"""A data folder of its own, a site to crawl, and the commands and the service over them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.integration.crawlers.local_site import LocalSite
from tests.loopback import free_port

ROOT = Path(__file__).parents[2]
PUMP = "How high must the water stand before the bilge pump starts?"
# the catalogue's small model answers no question from passages: it only ever refuses
ANSWERING_MODEL = "qwen2.5-coder-1.5b-instruct"
Done = subprocess.CompletedProcess[str]


@dataclass
class Workplace:
    """A data folder of its own, and the commands over it."""

    folder: Path
    site: LocalSite
    model: str = "smollm2-135m-instruct"
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATA_DIR": str(self.data),
            "MODELS_DIR": os.environ.get("MODELS_DIR", str(ROOT / ".models")),
            "LOCAL_MODEL_ID": self.model,
            "MAX_NEW_TOKENS_INFERENCE": "48",
            **self.settings,
        }

    def begin(self, module: str, *arguments: str, **changes: str) -> subprocess.Popen[str]:
        """Starts a command; `changes` are other settings."""
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env={**self.environment, **changes},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a test's Ctrl-C is for this process alone
        )

    def call(self, module: str, *arguments: str, **changes: str) -> Done:
        """Returns how a command ended; it never shows a traceback."""
        return finished(self.begin(module, *arguments, **changes))

    def run(self, module: str, *arguments: str, status: int = 0) -> str:
        done = self.call(module, *arguments)
        assert done.returncode == status, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def config(self, name: str, content: Mapping[str, object] | str) -> str:
        """Returns the path of a new config file."""
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(dict(content)))
        return str(path)

    def etl_config(self, links: Sequence[object]) -> str:
        return self.config(
            "etl.yaml",
            {
                "authors": [{"name": "Ada Lovelace", "links": list(links)}],
                "allowed_private_hosts": [self.site.host, "127.0.0.1:9"],
            },
        )

    def site_config(self) -> str:
        """Returns the config that crawls the whole site."""
        return self.etl_config([{"url": f"{self.site.url}/", "depth": 2}])

    def crawl(self, status: int = 0) -> dict[str, Any]:
        out = self.run("tools.run", "etl", "--config", self.site_config(), "--json", status=status)
        report: dict[str, Any] = json.loads(out)
        return report

    def index(self) -> dict[str, int]:
        report: dict[str, int] = json.loads(self.run("tools.run", "feature", "--json"))
        return report


def finished(process: subprocess.Popen[str]) -> Done:
    """Returns how a command ended; it never shows a traceback."""
    try:
        out, err = process.communicate(timeout=240)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    assert "Traceback" not in out + err, err
    return Done(process.args, process.returncode, out, err)


def error_of(done: Done) -> str:
    """Returns the one line that a command ended with."""
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    assert done.stderr.rstrip().endswith(errors[0]), "nothing follows it"
    return errors[0].removeprefix("error: ")


class Served:
    """`poe serve` as its own process."""

    def __init__(self, workplace: Workplace) -> None:
        self.workplace = workplace
        port = free_port()
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
        return self.post("/rag", query=query, **fields)

    def post(self, route: str, **fields: object) -> httpx.Response:
        return httpx.post(f"{self.url}{route}", json=fields, timeout=120)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)
