"""Stages in time: several calls at once, none of them waited for beyond its time."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Generic, TypeVar, cast

from llm_engineering.application.rag.crew import Crew

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
    crew: Crew,
    calls: Mapping[str, Callable[[], Value]],
    deadline: Deadline,
    share: float = 1.0,
) -> Mapping[str, Outcome[Value]]:
    """Runs the calls at the same time; returns what became of each when all ended or time is up.

    A call that is late has a TimeoutError; what it comes to is unheard.
    """
    ended: SimpleQueue[tuple[str, Outcome[Value]]] = SimpleQueue()
    for name, call in calls.items():
        crew.run(partial(_note, ended, name, call, deadline.timer), f"stage-{name}")
    outcomes: dict[str, Outcome[Value]] = {}
    with suppress(Empty):
        while len(outcomes) < len(calls):
            name, one = ended.get(timeout=deadline.left(share))
            outcomes[name] = one
    late = TimeoutError(f"not done in {share * deadline.seconds:g} s")
    return {name: outcomes.get(name) or Outcome(deadline.used_ms(), error=late) for name in calls}


def outcome(call: Callable[[], Value], timer: Timer) -> Outcome[Value]:
    """Returns what becomes of a call, on this thread."""
    began = timer()
    try:
        value = call()
    except Exception as error:  # noqa: BLE001 - the stage judges the error
        return Outcome(_ms(timer() - began), error=error)
    return Outcome(_ms(timer() - began), value=value)


def _note(
    ended: "SimpleQueue[tuple[str, Outcome[Value]]]",
    name: str,
    call: Callable[[], Value],
    timer: Timer,
) -> None:
    ended.put((name, outcome(call, timer)))


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
