"""What each stage of a run costs."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


class CpuTimes:
    """Adds up seconds of CPU, over all threads of the process, by stage."""

    def __init__(self, clock: Callable[[], float] = time.process_time) -> None:
        self._clock = clock
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Counts the block as part of the stage."""
        start = self._clock()
        try:
            yield
        finally:
            self.add({stage: self._clock() - start})

    def add(self, seconds: Mapping[str, float]) -> None:
        """Counts what was measured elsewhere."""
        for stage, more in seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + more
