"""Stages in time: several calls at once, none of them waited for beyond its time."""

import threading
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from time import perf_counter
from typing import Generic, TypeVar, cast

Value = TypeVar("Value")
Timer = Callable[[], float]


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """What became of a call: its value, or its error, after so many milliseconds."""

    ms: float
    value: Value | None = None
    error: Exception | None = None

    def result(self) -> Value:
        """Returns the value, or raises the error."""
        if self.error:
            raise self.error
        return cast("Value", self.value)


class Deadline:
    """The time that a question has, in seconds of `timer`."""

    def __init__(self, seconds: float, timer: Timer = perf_counter) -> None:
        self.timer = timer
        self.seconds = seconds
        self._began = timer()

    def left(self, share: float = 1.0) -> float:
        """Returns the seconds left until `share` (0.0-1.0) of the time is used up."""
        return max(0.0, self._began + share * self.seconds - self.timer())

    def used_ms(self) -> float:
        """Returns the milliseconds since the beginning."""
        return round((self.timer() - self._began) * 1000, 3)


def in_time(
    calls: Mapping[str, Callable[[], Value]], deadline: Deadline, share: float = 1.0
) -> Mapping[str, Outcome[Value]]:
    """Runs the calls at the same time; returns what became of each when all ended or time is up.

    A call that is late has a TimeoutError; its thread ends when the call does, unheard, and never
    keeps the process alive.
    """
    outcomes: dict[str, Outcome[Value]] = {}
    threads = [
        threading.Thread(
            target=copy_context().run,  # LangChain keeps the callbacks of a run in the context
            args=(_noted, outcomes, name, call, deadline.timer),
            name=f"stage-{name}",
            daemon=True,
        )
        for name, call in calls.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(deadline.left(share))
    ended = dict(outcomes)
    late = TimeoutError(f"not done in {share * deadline.seconds:g} s")
    return {name: ended.get(name) or Outcome(deadline.used_ms(), error=late) for name in calls}


def _noted(
    outcomes: dict[str, Outcome[Value]], name: str, call: Callable[[], Value], timer: Timer
) -> None:
    began = timer()
    try:
        value = call()
    except Exception as error:  # noqa: BLE001 - the edge of a thread; the stage judges the error
        outcomes[name] = Outcome(_ms(timer() - began), error=error)
    else:
        outcomes[name] = Outcome(_ms(timer() - began), value=value)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
