"""The service as its own process over a made-up index, with a scripted chat model behind it."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket

import httpx

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Service:
    """A running service: where it is, its processor time and its memory, children included."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str) -> None:
        self.process = process
        self.url = url

    def cpu_s(self) -> float:
        """Returns the processor seconds that it has used so far."""
        return sum(self._stat(pid)[0] for pid in self._tree())

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
    """Yields the URL of an endpoint of OpenAI's protocol that quotes the first passage it reads.

    It answers after so many seconds, with the passage's first sentence as a stream of words.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(seconds)
            said = quoted(asked["messages"][-1]["content"])
            events = "".join(f"data: {json.dumps(event)}\n\n" for event in _events(said))
            body = f"{events}data: [DONE]\n\n".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def quoted(prompt: str) -> str:
    """Returns the first sentence of the first passage in a prompt, cited."""
    passage = re.search(r"^\[1\].*\n(.*?)\.", prompt, re.M)
    return f"{passage[1]} [1]." if passage else "The sources do not say."


def _events(text: str) -> Iterator[dict[str, object]]:
    event = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
    for word in text.split(" "):
        choice = {"index": 0, "delta": {"role": "assistant", "content": f"{word} "}}
        yield {**event, "choices": [choice]}
    yield {**event, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    usage = {"prompt_tokens": 900, "completion_tokens": 20, "total_tokens": 920}
    yield {**event, "choices": [], "usage": usage}


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
