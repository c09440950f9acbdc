"""Threads that work for requests: results, errors, deadlines, places."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import aclosing
from contextvars import ContextVar
from typing import TypeVar

import pytest

from llm_engineering.serving.limits import Limits
from llm_engineering.serving.problems import Refusal
from llm_engineering.serving.working import Workshop

Result = TypeVar("Result")
WAIT_S = 10


def run(test: Callable[[], Awaitable[Result]]) -> Result:
    async def bounded() -> Result:
        async with asyncio.timeout(WAIT_S):
            return await test()

    return asyncio.run(bounded())


def test_work_is_done_on_another_thread_in_the_context_of_the_request() -> None:
    trace: ContextVar[str] = ContextVar("trace")

    async def test() -> tuple[str, int]:
        trace.set("t1")
        return await Workshop(Limits()).call(lambda: (trace.get(), threading.get_ident()))

    seen, thread = run(test)
    assert seen == "t1"
    assert thread != threading.get_ident()


def test_what_work_raises_is_raised() -> None:
    async def test() -> None:
        await Workshop(Limits()).call(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        run(test)


def test_one_too_many_is_refused_at_once_and_admitted_when_a_place_is_free() -> None:
    release = threading.Event()

    async def test() -> str:
        shop = Workshop(Limits(concurrency=1))
        slow = asyncio.create_task(shop.call(lambda: release.wait(WAIT_S)))
        await asyncio.sleep(0)  # lets it begin
        with pytest.raises(Refusal) as refused:
            await shop.call(lambda: "no")
        assert refused.value.status_code == 429
        release.set()
        assert await slow
        return await shop.call(lambda: "yes")

    assert run(test) == "yes"


def test_a_place_is_free_again_after_a_failure() -> None:
    async def test() -> str:
        shop = Workshop(Limits(concurrency=1))
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await shop.call(lambda: 1 // 0)
        return await shop.call(lambda: "yes")

    assert run(test) == "yes"


def test_a_deadline_ends_the_wait_but_the_place_stays_taken() -> None:
    release, ended = threading.Event(), threading.Event()

    def stuck() -> None:
        release.wait(WAIT_S)
        ended.set()

    async def test() -> None:
        shop = Workshop(Limits(concurrency=1, deadline_s=0.05))
        with pytest.raises(Refusal) as late:
            await shop.call(stuck)
        assert late.value.status_code == 504
        with pytest.raises(Refusal) as full:
            await shop.call(lambda: None)
        assert full.value.status_code == 429
        release.set()
        await asyncio.to_thread(ended.wait, WAIT_S)
        while True:
            try:
                return await shop.call(lambda: None)
            except Refusal:  # the thread has yet to give its place back
                await asyncio.sleep(0.001)

    run(test)


def test_closing_a_stream_closes_the_generator_behind_it() -> None:
    closed = threading.Event()
    go_on = threading.Event()

    def endless() -> Generator[int, None, None]:
        try:
            for n in range(1_000_000):
                yield n
                if n == 1:
                    assert go_on.wait(WAIT_S)
        finally:
            closed.set()

    async def test() -> list[int]:
        seen = []
        async with aclosing(Workshop(Limits()).stream(endless)) as items:
            async for item in items:
                seen.append(item)
                if item == 1:
                    break
        go_on.set()
        assert await asyncio.to_thread(closed.wait, WAIT_S)
        return seen

    assert run(test) == [0, 1]


def test_items_come_as_they_are_made() -> None:
    taken = threading.Event()

    def two() -> Generator[str, None, None]:
        yield "first"
        assert taken.wait(WAIT_S), "the first is seen before the second is made"
        yield "second"

    async def test() -> list[str]:
        seen = []
        async for item in Workshop(Limits()).stream(two):
            seen.append(item)
            taken.set()
        return seen

    assert run(test) == ["first", "second"]


def test_threads_are_used_again() -> None:
    async def one_after_the_other() -> set[int]:
        workshop = Workshop(Limits())
        return {await workshop.call(threading.get_ident) for _ in range(20)}

    assert len(asyncio.run(one_after_the_other())) < 5, "a thread may be on its way to its rest"


def test_what_returns_none_is_done_all_the_same() -> None:
    async def nothing() -> None:
        return await Workshop(Limits()).call(lambda: None)

    asyncio.run(nothing())


def test_none_is_not_told_and_the_work_may_be_stopped_there() -> None:
    stopped = threading.Event()

    def works() -> Generator[str | None, None, None]:
        try:
            yield "begun"
            while True:
                yield None
        finally:
            stopped.set()

    async def hears_one() -> None:
        async with aclosing(Workshop(Limits()).stream(works)) as items:
            assert await anext(items) == "begun"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(items), 0.05)

    asyncio.run(hears_one())
    assert stopped.wait(5)
