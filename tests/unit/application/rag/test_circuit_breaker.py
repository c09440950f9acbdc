import pytest

from llm_engineering.application.rag.circuit_breaker import CircuitBreaker


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(failures=2, rest_s=10.0, timer=clock)


def test_it_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    breaker.failed()
    assert breaker.admits()
    assert not breaker.is_open
    breaker.failed()
    assert not breaker.admits()
    assert breaker.is_open


def test_a_success_in_between_counts_from_the_start(breaker: CircuitBreaker) -> None:
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.admits()


def test_after_a_rest_one_trial_is_admitted(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.failed()
    breaker.failed()
    clock.now = 10.0
    assert breaker.admits()
    assert not breaker.admits(), "the others wait for what the trial finds"


def test_a_trial_that_succeeds_closes_it(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.failed()
    breaker.failed()
    clock.now = 10.0
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.admits()
    assert breaker.admits()


def test_a_trial_that_fails_begins_another_rest(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.failed()
    breaker.failed()
    clock.now = 10.0
    assert breaker.admits()
    breaker.failed()
    clock.now = 19.0
    assert not breaker.admits()
    clock.now = 20.0
    assert breaker.admits()
