import asyncio

import pytest
from starlette.requests import Request
from starlette.types import Message

from llm_engineering.serving.hanging_up import unless_hung_up
from llm_engineering.serving.problems import Refusal


def request(*messages: Message) -> Request:
    """Returns a request of which these messages come, and then nothing for ever."""
    coming = list(messages)

    async def receive() -> Message:
        if coming:
            return coming.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def soon() -> str:
    await asyncio.sleep(0)
    return "done"


def test_who_waits_gets_what_the_work_returns() -> None:
    assert asyncio.run(unless_hung_up(request(), soon())) == "done"


def test_what_the_work_raises_is_raised() -> None:
    async def fails() -> None:
        await soon()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(unless_hung_up(request(), fails()))


def test_the_rest_of_a_body_is_no_hanging_up() -> None:
    rest: Message = {"type": "http.request", "body": b"", "more_body": False}
    assert asyncio.run(unless_hung_up(request(rest), soon())) == "done"


def test_work_whose_caller_hung_up_is_cancelled_and_cleans_up() -> None:
    events = []

    async def works() -> None:
        try:
            events.append("began")
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            events.append("ended")

    with pytest.raises(Refusal) as refused:
        asyncio.run(unless_hung_up(request({"type": "http.disconnect"}), works()))
    assert refused.value.status_code == 499
    assert events == ["began", "ended"]


def test_who_is_cancelled_cancels_the_work() -> None:
    ended = []

    async def works() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def cancelled() -> None:
        task = asyncio.create_task(unless_hung_up(request(), works()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert ended == [True]
