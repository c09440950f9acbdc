"""Writes that are gathered: all of them, in order, several at once."""

import threading
import time
from collections.abc import Sequence

import pytest

from llm_engineering.application.rag.gathering import Gathering
from tests.at_once import answers_at_once

WAIT_S = 30.0
FOR_EVER = 3600.0


class Sink:
    """Takes what is handed on; waits for its gate if it has one."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.taken: list[list[int]] = []
        self._gate = gate

    def __call__(self, items: Sequence[int]) -> None:
        if self._gate:
            assert self._gate.wait(WAIT_S)
        self.taken.append(list(items))

    @property
    def all(self) -> list[int]:
        return [item for items in self.taken for item in items]


def test_what_comes_soon_after_is_handed_on_with_it_in_order() -> None:
    sink = Sink()
    gathering = Gathering(sink, wait_s=FOR_EVER)
    assert all(gathering.add(n) for n in range(5))
    assert sink.taken == []
    gathering.flush(WAIT_S)
    assert sink.taken == [[0, 1, 2, 3, 4]]


def test_nobody_has_to_ask_for_it() -> None:
    handed = threading.Event()
    gathering = Gathering[int](lambda _: handed.set(), wait_s=0.01)
    gathering.add(1)
    assert handed.wait(WAIT_S)


def test_adding_never_waits_and_what_is_too_much_is_refused() -> None:
    gate = threading.Event()
    sink = Sink(gate)
    gathering = Gathering(sink, capacity=2, wait_s=0.0)
    assert [gathering.add(n) for n in range(4)] == [True, True, False, False]
    gate.set()
    gathering.flush(WAIT_S)
    assert gathering.add(4)
    gathering.close()
    assert sink.all == [0, 1, 4]


def test_flushing_has_nothing_to_wait_for_where_nothing_was_added() -> None:
    gathering = Gathering(Sink())
    gathering.flush(0.0)
    gathering.close()


def test_flushing_waits_no_longer_than_it_may() -> None:
    gate = threading.Event()
    gathering = Gathering(Sink(gate), wait_s=0.0)
    gathering.add(1)
    with pytest.raises(TimeoutError, match=r"not handed on in 0\.01 s"):
        gathering.flush(0.01)
    gate.set()
    gathering.close()


def test_closed_it_takes_nothing_more() -> None:
    sink = Sink()
    gathering = Gathering(sink, wait_s=FOR_EVER)
    gathering.add(1)
    gathering.close()
    assert not gathering.add(2)
    assert sink.all == [1]


def test_an_error_loses_its_items_and_nothing_after_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = Sink()

    def hand_on(items: Sequence[int]) -> None:
        if items[0] == 1:
            raise ValueError("no room")
        sink(items)

    gathering = Gathering(hand_on, wait_s=FOR_EVER)
    gathering.add(1)
    gathering.flush(WAIT_S)
    gathering.add(2)
    gathering.close()
    assert sink.all == [2]
    assert "1 writes are lost" in caplog.text


def test_its_thread_ends_when_there_is_nothing_to_do_and_another_begins() -> None:
    sink, others = Sink(), threading.enumerate()
    gathering = Gathering(sink, wait_s=0.0)
    for n in range(3):
        gathering.add(n)
        gathering.flush(WAIT_S)
        deadline = time.monotonic() + WAIT_S
        while any(one.name == "gathering" for one in {*threading.enumerate()} - {*others}):
            assert time.monotonic() < deadline
            time.sleep(0.001)
    assert sink.all == [0, 1, 2]


def test_from_many_threads_nothing_is_lost_or_told_twice() -> None:
    sink = Sink()
    gathering = Gathering(sink, capacity=10_000, wait_s=0.0)

    starts = iter(range(0, 4000, 500))

    def add_some() -> bool:
        first = next(starts)
        return all(gathering.add(n) for n in range(first, first + 500))

    assert all(answers_at_once(add_some, 8))
    gathering.close()
    assert sorted(sink.all) == list(range(4000))
    for first in range(0, 4000, 500):
        mine = [n for n in sink.all if first <= n < first + 500]
        assert mine == sorted(mine), "those of one thread stay in their order"
