"""The HTTP application behind a real server on a port of its own."""

import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import uvicorn

from llm_engineering.application.rag.generation import Event, Sources, Token
from llm_engineering.domain.answers import AnswerRequest
from llm_engineering.serving.api import create_app
from llm_engineering.serving.deployment import Deployment
from tests.unit.serving.oracle import FOUND, Oracle


class Talker(Oracle):
    """Talks on and on; `stopped` is set when it is made to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Event()
        self.stopped = threading.Event()

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        yield Sources(FOUND)
        try:
            while True:
                self.began.set()
                yield Token("and ")
                time.sleep(0.005)
        finally:
            self.stopped.set()


@contextmanager
def served(oracle: Oracle, deployment: Deployment | None = None) -> Iterator[tuple[str, int]]:
    """Yields host and port of the application while the block lasts."""
    made = deployment or Deployment()
    app = create_app(lambda: oracle, lambda: made)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # who asks before the server has started waits
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            thread.join(20)
