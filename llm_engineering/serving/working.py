"""Blocking work on threads of its own, watched from the event loop.

A place of the turnstile is held until the thread has ended, however the request ended: what runs
on after a deadline still counts.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import Generic, TypeVar

from llm_engineering.application.rag.crew import Crew
from llm_engineering.serving.limits import Limits, Turnstile
from llm_engineering.serving.problems import Refusal

Item = TypeVar("Item")
_END = object()


@dataclass(frozen=True)
class _Failure:
    error: BaseException


class Workshop:
    """Where requests are worked on: so many at once, each before its deadline."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._turnstile = Turnstile(limits.concurrency)
        self._crew = Crew()

    async def call(self, work: Callable[[], Item]) -> Item:
        """Returns what `work` returns; raises what it raises.

        Raises:
            Refusal: 429, too much is worked on already; 504, it took too long.
        """

        def once() -> Generator[tuple[Item], None, None]:
            yield (work(),)

        async with aclosing(self.stream(once)) as results:
            ((result,),) = [one async for one in results]  # to the end: then the place is free
            return result

    def stream(
        self, work: Callable[[], Generator[Item | None, None, None]]
    ) -> AsyncGenerator[Item, None]:
        """Returns what `work` yields, as it comes. Closing it closes the generator of `work`.

        None is not told, and costs the event loop nothing: the work may be stopped there.

        Raises:
            Refusal: 429, at once: too much is worked on already; later 504, it took too long.
        """
        self._turnstile.enter()
        return _Running(work, self._turnstile.leave, self._limits.deadline_s, self._crew).items()


class _Running(Generic[Item]):
    """A thread that works, and the queue on which the event loop sees what it yields."""

    def __init__(
        self,
        work: Callable[[], Generator[Item | None, None, None]],
        ended: Callable[[], None],
        deadline_s: float,
        crew: Crew,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + deadline_s
        self._seen: asyncio.Queue[Item | _Failure | object] = asyncio.Queue()
        self._stop = threading.Event()
        self._ended = ended
        crew.run(lambda: self._run(work), "request")

    async def items(self) -> AsyncGenerator[Item, None]:
        try:
            while True:
                try:
                    async with asyncio.timeout_at(self._until):
                        item = await self._seen.get()
                except TimeoutError:
                    raise Refusal(504) from None
                if item is _END:
                    return
                if isinstance(item, _Failure):
                    raise item.error
                yield item  # type: ignore[misc]
        finally:
            self._stop.set()

    def _run(self, work: Callable[[], Generator[Item | None, None, None]]) -> None:
        last: _Failure | object = _END
        try:
            with closing(work()) as items:
                for item in items:
                    if item is not None:
                        self._tell(item)
                    if self._stop.is_set():
                        break
        except BaseException as error:  # noqa: BLE001 - the edge of a thread: the request raises it
            last = _Failure(error)
        finally:
            self._ended()  # before the end is told: who is answered may ask again at once
            self._tell(last)

    def _tell(self, item: Item | _Failure | object) -> None:
        try:
            self._loop.call_soon_threadsafe(self._seen.put_nowait, item)
        except RuntimeError:  # the loop is closed: nobody waits any more
            self._stop.set()
