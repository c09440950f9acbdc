"""What HTTP alone costs: `/rag` and `/rag/stream` over answers that are there at once.

    python -m benchmarks.http_layer

The service has the routes, limits, metrics and BentoML of `poe serve`, and nothing behind them. The
rival is FastAPI's smallest application: it parses the same body and returns the same JSON. The
figures are the processor time of the servers' processes, read from /proc, by round.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any

import bentoml
import httpx
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from benchmarks.served import Service
from llm_engineering.application.rag.generation import Done, Event, Sources, Token
from llm_engineering.domain.answers import Answer, AnswerMode, AnswerRequest, Usage
from llm_engineering.domain.queries import Retrieval
from llm_engineering.serving.api import create_app
from llm_engineering.serving.deployment import Deployment
from llm_engineering.serving.metrics import RequestMetrics
from llm_engineering.serving.schemas import RagRequest, RagResponse
from llm_engineering.serving.service import OPTIONS

WORDS = 60
BODY = {"query": "How do I make a dataclass immutable?"}
ANSWER = Answer(
    text="word " * WORDS,
    question=BODY["query"],
    grounded=False,
    mode=AnswerMode.GENERATED,
    model="instant",
    usage=Usage(input_tokens=900, output_tokens=WORDS),
    timings_ms={"total": 0.0},
)

floor = FastAPI()


@floor.post("/rag")
async def rag(asked: RagRequest) -> RagResponse:
    """Returns the answer, and does nothing else."""
    answer = ANSWER.model_copy(update={"question": asked.query})
    return RagResponse.of(answer, "none", "none")


class Instant:
    """Has its answer ready."""

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        """Yields an answer of so many words."""
        yield Sources(Retrieval(passages=()))
        for _ in range(WORDS):
            yield Token("word ")
        yield Done(ANSWER.model_copy(update={"question": request.query.text}))


def _instance() -> Any:
    return bentoml.get_current_service()


_routes = create_app(lambda: _instance().answering, lambda: _instance().deployment)


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    await _routes(scope, receive, send)


@bentoml.service(**OPTIONS)
@bentoml.asgi_app(_app, path="/")
class Instantly:
    """The routes of RAGService over Instant."""

    def __init__(self) -> None:
        self.answering = Instant()
        self.deployment = Deployment(observe=RequestMetrics().observed)


def main() -> None:
    """Parses the arguments, measures in turns and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    ours = ["bentoml", "serve", f"{__spec__.name}:Instantly", "--host", "127.0.0.1"]
    rival = ["uvicorn", f"{__spec__.name}:floor", "--no-access-log"]
    with TemporaryDirectory() as home, running(ours, home) as service, running(rival, home) as bare:
        measured = {
            "FastAPI alone, /rag": (bare, "/rag"),
            "service, /rag": (service, "/rag"),
            f"service, /rag/stream, {WORDS} words": (service, "/rag/stream"),
        }
        spent: dict[str, list[float]] = {name: [] for name in measured}
        for _ in range(arguments.rounds):
            for name, (server, route) in measured.items():
                spent[name].append(cpu_ms(server, route, arguments.requests))
    for name, rounds in spent.items():
        raw = ", ".join(f"{one:.2f}" for one in rounds)
        print(f"{name:<34} {statistics.median(rounds):.2f} ms of CPU a request ({raw})")


@contextmanager
def running(command: list[str], home: str) -> Iterator[Service]:
    """Yields the server that a Python module starts, with files in `home`, once it answers."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(  # noqa: S603 - the commands above
        [sys.executable, "-m", *command, "--port", str(port)],
        env={**os.environ, "BENTOML_HOME": home, "BENTOML_DO_NOT_TRACK": "True"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        server = Service(process, f"http://127.0.0.1:{port}")
        for _ in range(300):
            try:
                httpx.post(f"{server.url}/rag", json=BODY)
                break
            except httpx.TransportError:
                time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def cpu_ms(server: Service, route: str, requests: int) -> float:
    """Returns milliseconds of processor time a request, one after the other."""
    with httpx.Client(base_url=server.url) as client:
        for _ in range(100):
            client.post(route, json=BODY).raise_for_status()
        before = server.cpu_s()
        for _ in range(requests):
            client.post(route, json=BODY)
        return (server.cpu_s() - before) * 1000 / requests


if __name__ == "__main__":
    main()
