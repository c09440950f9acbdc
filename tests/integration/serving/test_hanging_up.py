"""Who hangs up stops the model, and gives the place back."""

import socket
import time

import httpx
import pytest

from llm_engineering.serving.deployment import Deployment
from llm_engineering.serving.limits import Limits
from tests.integration.serving.http_server import Talker, served

STATUS = {"/rag": 499, "/rag/stream": 200}  # of a stream it was sent already
BODY = b'{"query": "When?"}'


@pytest.mark.parametrize("route", ["/rag", "/rag/stream"])
def test_who_hangs_up_stops_the_model_and_frees_the_place(route: str) -> None:
    talker = Talker()
    seen: list[tuple[str, int]] = []
    deployment = Deployment(
        limits=Limits(concurrency=1), observe=lambda path, status, _: seen.append((path, status))
    )
    with served(talker, deployment) as address:
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(
                f"POST {route} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(BODY)}\r\n\r\n".encode()
                + BODY
            )
            assert talker.began.wait(10)
            time.sleep(0.05)
            assert not talker.stopped.is_set(), "it talks as long as somebody listens"
        assert talker.stopped.wait(2)
        free = f"http://{address[0]}:{address[1]}/retrieve"
        statuses = [httpx.post(free, json={"query": "When?"}).status_code for _ in range(20)]
        assert statuses[-1] == 200, "the only place is free again"
    assert [status for path, status in seen if path == route] == [STATUS[route]]
