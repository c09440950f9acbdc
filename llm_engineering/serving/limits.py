"""How much is served at once, how often, and for how long."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from time import monotonic

from llm_engineering.serving.problems import Refusal

MAX_BODY_BYTES = 262_144
MAX_QUERY_CHARACTERS = 2000
MAX_TOP_K = 20
MAX_TURNS = 50
MAX_TURN_CHARACTERS = 10_000
_FORGET_AFTER = 10_000  # buckets; a full one need not be remembered


@dataclass(frozen=True)
class Limits:
    """`concurrency` questions are worked on at once, each for `deadline_s` seconds at most.

    `per_minute` requests of one API key are admitted on average, and as many at once; 0: all.
    """

    concurrency: int = 32
    deadline_s: float = 120.0
    per_minute: int = 0


class Turnstile:
    """Lets so many in at once and turns the others away, without a wait."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._lock = threading.Lock()

    def enter(self) -> None:
        """Takes a place.

        Raises:
            Refusal: 429, none is free.
        """
        with self._lock:
            if not self._free:
                raise Refusal(429, "all places are taken", {"Retry-After": "1"})
            self._free -= 1

    def leave(self) -> None:
        """Gives a place back, from whichever thread."""
        with self._lock:
            self._free += 1


class TokenBuckets:
    """A bucket for each key: it holds `per_minute` requests, and fills up again in a minute.

    `timer` returns seconds. Used on the event loop alone, so nothing is locked. Each worker process
    has its own buckets.
    """

    def __init__(self, per_minute: int, timer: Callable[[], float] = monotonic) -> None:
        self._per_minute = per_minute
        self._timer = timer
        self._buckets: dict[str, tuple[float, float]] = {}  # key -> what it holds, and when

    def take(self, key: str) -> None:
        """Takes one request out of the key's bucket.

        Raises:
            Refusal: 429, the bucket is empty; Retry-After says for how long.
        """
        if not self._per_minute:
            return
        now, rate = self._timer(), self._per_minute / 60
        held, then = self._buckets.get(key, (float(self._per_minute), now))
        held = min(self._per_minute, held + (now - then) * rate)
        if held < 1:
            wait = {"Retry-After": str(ceil((1 - held) / rate))}
            raise Refusal(429, f"more than {self._per_minute} requests a minute", wait)
        if len(self._buckets) >= _FORGET_AFTER:
            self._buckets.clear()
        self._buckets[key] = held - 1, now
