"""The service as its own process over a made-up index, with a scripted chat model behind it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket

import httpx

from tools.run import KEEP_ALIVE_S

_TICKS = os.sysconf("SC_CLK_TCK")
_IDLE_S = 0.1  # CPU seconds in two
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Service:
    """A running service: where it is, its processor time and its memory, children included."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str) -> None:
        self.process = process
        self.url = url

    def cpu_s(self) -> float:
        """Returns the processor seconds that it has used so far."""
        return sum(self._stat(pid)[0] for pid in self._tree())

    def settle(self) -> None:
        """Returns when it has been idle for two seconds, or after half a minute."""
        for _ in range(15):
            before = self.cpu_s()
            time.sleep(2)
            if self.cpu_s() - before < _IDLE_S:
                return

    def resident_mb(self) -> float:
        """Returns its resident memory."""
        return sum(self._stat(pid)[1] for pid in self._tree())

    def _tree(self) -> list[int]:
        found, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            children = Path(f"/proc/{pid}/task").glob("*/children")
            for child in children:
                waiting += map(int, child.read_text().split())
        return found

    @staticmethod
    def _stat(pid: int) -> tuple[float, float]:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return 0.0, 0.0
        return (int(fields[11]) + int(fields[12])) / _TICKS, int(fields[21]) * _PAGE / 1e6


@contextmanager
def service(data: Path, provider_url: str | None = None, **settings: str) -> Iterator[Service]:
    """Serves the stores of `data` while the block lasts.

    The chat model is asked at the URL; without one, it answers in the service's own process.
    """
    port = _free_port()
    scripted = ["bentoml", "serve", "benchmarks.scripted_service:RAGService", "--port", str(port)]
    scripted += ["--timeout-keep-alive", str(KEEP_ALIVE_S)]
    command = ["tools.run", "serve"] if provider_url else scripted
    environment = {
        **os.environ,
        "DATA_DIR": str(data),
        "LLM_PROVIDER": "openai",
        "OPENAI_API_KEY": "scripted",
        "OPENAI_BASE_URL": f"{provider_url}/v1",
        "SERVE_PORT": str(port),
        **settings,
    }
    with (data / "service.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - commands of this file
            [sys.executable, "-m", *command], env=environment, stdout=log, stderr=log
        )
        try:
            running = Service(process, f"http://127.0.0.1:{port}")
            _wait_until_ready(running, data / "service.log")
            yield running
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_ready(running: Service, log: Path) -> None:
    for _ in range(600):
        if running.process.poll() is not None:
            break
        try:
            if httpx.get(f"{running.url}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"the service did not start:\n{log.read_text()[-2000:]}")


@contextmanager
def scripted_model(seconds: float = 0.0) -> Iterator[str]:
    """Yields the URL of the provider of `scripted_provider`, in a process of its own.

    Asked by many at once, it would otherwise hold up the clients that are measured.
    """
    command = [sys.executable, "-m", "benchmarks.scripted_provider", str(seconds)]
    process = subprocess.Popen(  # noqa: S603 - a module of ours
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdin  # noqa: S101 - asked for above
        assert process.stdout  # noqa: S101
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()  # it ends with its standard input


def quoted(prompt: str) -> str:
    """Returns the first sentence of the first passage in a prompt, cited."""
    passage = re.search(r"^\[1\].*\n(.*?)\.", prompt, re.M)
    return f"{passage[1]} [1]." if passage else "The sources do not say."


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
