import threading
import time
from collections.abc import Iterator
from typing import TypeVar

import pytest

from llm_engineering.application.rag.crew import Crew
from llm_engineering.application.rag.timed_stream import TimedStream
from llm_engineering.domain.errors import ModelError

Piece = TypeVar("Piece")


def read_to_the_end(stream: TimedStream[Piece]) -> list[Piece]:
    read: list[Piece] = []
    while pieces := stream.next(5):
        read += pieces
    return read


def test_pieces_come_in_order_and_then_none_however_often_it_is_asked() -> None:
    stream = TimedStream(lambda: iter("ab"), "letters", Crew())
    assert read_to_the_end(stream) == ["a", "b"]
    assert stream.next(5) == []


def test_what_came_while_the_reader_was_busy_comes_together() -> None:
    gate, written = threading.Event(), threading.Event()

    def letters() -> Iterator[str]:
        yield from "ab"
        written.set()
        gate.wait(30)
        yield "c"

    stream = TimedStream(letters, "letters", Crew())
    assert written.wait(30)
    assert stream.next(5) == ["a", "b"]
    gate.set()
    assert read_to_the_end(stream) == ["c"]


def test_an_error_of_the_stream_reaches_the_reader() -> None:
    def broken() -> Iterator[str]:
        yield "a"
        raise ValueError("broke off")

    stream = TimedStream(broken, "letters", Crew())
    assert stream.next(5) == ["a"], "what came before is not lost"
    for _ in range(2):
        with pytest.raises(ValueError, match="broke off"):
            stream.next(5)


def test_an_error_at_the_start_reaches_the_reader() -> None:
    def refused() -> Iterator[str]:
        raise ModelError("no room")

    with pytest.raises(ModelError, match="no room"):
        TimedStream(refused, "letters", Crew()).next(5)


def test_what_does_not_come_is_not_waited_for() -> None:
    gate = threading.Event()

    def hangs() -> Iterator[str]:
        gate.wait(30)
        yield "late"

    stream = TimedStream(hangs, "letters", Crew())
    with pytest.raises(ModelError, match=r"letters: nothing came for 0\.01 s") as error:
        stream.next(0.01)
    assert error.value.transient
    gate.set()


def test_closing_ends_the_stream_after_its_piece() -> None:
    closed = threading.Event()
    asked = threading.Semaphore(0)

    def endless() -> Iterator[int]:
        number = 0
        try:
            while True:
                asked.acquire(timeout=30)
                yield number
                number += 1
        finally:
            closed.set()

    stream = TimedStream(endless, "numbers", Crew())
    asked.release()
    assert stream.next(5) == [0]
    stream.close()
    asked.release()
    assert closed.wait(5)


def test_streams_of_a_crew_use_its_threads_again() -> None:
    crew, seen = Crew(), set[threading.Thread]()

    def noted() -> Iterator[int]:
        seen.add(threading.current_thread())
        yield 1

    for _ in range(3):
        stream = TimedStream(noted, "numbers", crew)
        assert read_to_the_end(stream) == [1]
        time.sleep(0.05)  # until the thread waits again
    assert len(seen) == 1
