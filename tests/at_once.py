"""Calls that are made at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")


def answers_at_once(ask: Callable[[], Answer], count: int) -> list[Answer]:
    """Returns what so many threads are answered that ask together; raises what one of them does."""
    together = threading.Barrier(count, timeout=10)

    def wait_and_ask() -> Answer:
        together.wait()
        return ask()

    with ThreadPoolExecutor(count) as threads:
        return [one.result(20) for one in [threads.submit(wait_and_ask) for _ in range(count)]]
