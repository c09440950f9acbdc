"""How many visits a host gets at a time, and how long it rests between two."""

from collections import Counter
from collections.abc import Callable

LONGEST_DELAY_S = 60.0  # a robots.txt that asks for more is taken at this


class HostSchedule:
    """Says which hosts may be visited now. Belongs to the thread that starts the visits.

    A host gets one visit at a time until it is known what its robots.txt asks for, and for good if
    that is a crawl-delay.

    Args:
        per_host: visits at a time.
        delay_s: seconds from one start to the next; a site's own crawl-delay counts if longer.
        monotonic: a clock in seconds.
    """

    def __init__(self, per_host: int, delay_s: float, monotonic: Callable[[], float]) -> None:
        self._per_host = per_host
        self._delay_s = delay_s
        self._monotonic = monotonic
        self._running: Counter[str] = Counter()
        self._started_at: dict[str, float] = {}
        self._asked_s: dict[str, float] = {}

    def may_start(self, host: str) -> bool:
        """Returns whether one more visit to the host may start now."""
        free = not self._asked_s.get(host, 1.0)
        room = self._running[host] < (self._per_host if free else 1)
        return room and self.wait_s(host) <= 0

    def wait_s(self, host: str) -> float:
        """Returns the seconds until the host has rested long enough; 0 or less: it has."""
        if host not in self._started_at:
            return 0.0
        pause_s = max(self._delay_s, self._asked_s.get(host, 0.0))
        return self._started_at[host] + pause_s - self._monotonic()

    def started(self, host: str) -> None:
        """Notes the start of a visit."""
        self._running[host] += 1
        self._started_at[host] = self._monotonic()

    def ended(self, host: str, crawl_delay_s: float = 0.0) -> None:
        """Notes the end of a visit, and the crawl-delay that the site asks for."""
        self._running[host] -= 1
        self._asked_s[host] = min(max(crawl_delay_s, 0.0), LONGEST_DELAY_S)
