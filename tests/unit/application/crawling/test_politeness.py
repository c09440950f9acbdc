"""How often a host is visited: golden cases, and laws over made-up schedules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.crawling.politeness import LONGEST_DELAY_S, HostSchedule


class Hosts:
    """A schedule and the clock it goes by."""

    def __init__(self, per_host: int = 2, delay_s: float = 0.0) -> None:
        self.now = 100.0
        self.schedule = HostSchedule(per_host, delay_s, lambda: self.now)

    def visit(self, host: str, asked_s: float = 0.0) -> None:
        self.schedule.started(host)
        self.schedule.ended(host, asked_s)


def test_a_host_gets_one_visit_until_its_rules_are_known() -> None:
    hosts = Hosts(per_host=3)
    assert hosts.schedule.may_start("a")
    hosts.schedule.started("a")
    assert not hosts.schedule.may_start("a")
    assert hosts.schedule.may_start("b")
    hosts.schedule.ended("a")
    for _ in range(3):
        assert hosts.schedule.may_start("a")
        hosts.schedule.started("a")
    assert not hosts.schedule.may_start("a")
    hosts.schedule.ended("a")
    assert hosts.schedule.may_start("a")


def test_a_host_that_asks_for_a_pause_is_visited_once_at_a_time() -> None:
    hosts = Hosts(per_host=8)
    hosts.visit("a", 5.0)
    assert not hosts.schedule.may_start("a")
    assert hosts.schedule.wait_s("a") == 5.0
    hosts.now += 5.0
    assert hosts.schedule.may_start("a")
    hosts.schedule.started("a")
    hosts.now += 50.0
    assert not hosts.schedule.may_start("a")


@pytest.mark.parametrize(
    ("ours", "theirs", "pause"),
    [
        (0.0, 0.0, 0.0),
        (2.0, 0.0, 2.0),
        (2.0, 1.0, 2.0),
        (2.0, 3.0, 3.0),
        (0.0, 10_000.0, LONGEST_DELAY_S),
        (90.0, 10_000.0, 90.0),
        (1.0, -5.0, 1.0),
    ],
)
def test_the_longer_pause_counts_and_none_is_endless(
    ours: float, theirs: float, pause: float
) -> None:
    hosts = Hosts(delay_s=ours)
    hosts.visit("a", theirs)
    assert hosts.schedule.wait_s("a") == pause
    assert hosts.schedule.may_start("a") is (pause == 0.0)
    hosts.now += pause
    assert hosts.schedule.wait_s("a") <= 0.0
    assert hosts.schedule.may_start("a")


def test_a_pause_counts_from_the_start_of_a_visit() -> None:
    hosts = Hosts(delay_s=3.0)
    hosts.schedule.started("a")
    hosts.now += 2.0
    hosts.schedule.ended("a")
    assert hosts.schedule.wait_s("a") == 1.0


def test_a_site_may_take_its_pause_back() -> None:
    hosts = Hosts(per_host=2)
    hosts.visit("a", 30.0)
    hosts.now += 30.0
    hosts.visit("a", 0.0)
    assert hosts.schedule.may_start("a")


def test_a_host_never_visited_waits_for_nothing() -> None:
    hosts = Hosts(delay_s=9.0)
    assert hosts.schedule.wait_s("a") == 0.0
    assert hosts.schedule.may_start("a")


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 0.0, 1.5, 90.0]), st.floats(0.0, 3.0)),
    max_size=40,
)


@given(STEPS, st.integers(1, 4), st.sampled_from([0.0, 0.5, 2.0]))
def test_no_host_is_ever_visited_sooner_or_more_than_agreed(
    steps: list[tuple[str, float, float]], per_host: int, delay_s: float
) -> None:
    hosts = Hosts(per_host, delay_s)
    running: dict[str, int] = dict.fromkeys("abc", 0)
    last: dict[str, float] = {}
    asked: dict[str, float] = {}
    for host, pause, passed in steps:
        if hosts.schedule.may_start(host):
            assert running[host] < (1 if asked.get(host, 1.0) else per_host)
            if host in last:
                longest = max(delay_s, min(asked.get(host, 0.0), LONGEST_DELAY_S))
                assert hosts.now - last[host] >= longest - 1e-9
            hosts.schedule.started(host)
            running[host] += 1
            last[host] = hosts.now
        elif running[host]:
            hosts.schedule.ended(host, pause)
            running[host] -= 1
            asked[host] = pause
        hosts.now += passed
