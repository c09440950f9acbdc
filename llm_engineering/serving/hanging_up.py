"""Work that is given up when its caller hangs up."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.types import Receive

from llm_engineering.serving.problems import Refusal

Result = TypeVar("Result")


async def unless_hung_up(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Returns what `work` returns; cancels it when the caller hangs up.

    The request's body must have been read. Streamed responses do this of themselves.

    Raises:
        Refusal: 499, which nobody is there to be told.
    """
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_hung_up(request.receive))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Refusal(499)
        return working.result()
    finally:
        watching.cancel()
        if working.cancel():
            await asyncio.wait((working,))  # so that what it holds is given back


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
