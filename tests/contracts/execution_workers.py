"""Workers for the contract of Executor: at module level, so that other processes can have them."""

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from llm_engineering.domain.errors import FetchError

Numbers = Sequence[int]


@dataclass(frozen=True)
class Squaring:
    """Squares numbers, and leaves a file for each worker that is made."""

    made: Path

    def __call__(self) -> Callable[[Numbers], Numbers]:
        (self.made / str(os.getpid())).touch()
        return lambda batch: [number * number for number in batch]


def make_failing() -> Callable[[Numbers], Numbers]:
    def work(batch: Numbers) -> Numbers:
        if 7 in batch:
            raise FetchError("https://example.org/7", "gone", transient=True)
        return batch

    return work


def make_forgetful() -> Callable[[Numbers], Numbers]:
    return lambda batch: batch[1:]


def make_dividing() -> Callable[[Numbers], Numbers]:
    return lambda batch: [1 // number for number in batch]


@dataclass(frozen=True)
class Dying:
    """Its process is killed at the number 30, `times` times; then it squares."""

    deaths: Path
    times: int = 1

    def __call__(self) -> Callable[[Numbers], Numbers]:
        def work(batch: Numbers) -> Numbers:
            if 30 in batch and len(list(self.deaths.iterdir())) < self.times:
                (self.deaths / str(os.getpid())).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return [number * number for number in batch]

        return work
