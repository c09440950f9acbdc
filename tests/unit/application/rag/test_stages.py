import threading
from contextvars import ContextVar

import pytest

from llm_engineering.application.rag.crew import Crew
from llm_engineering.application.rag.stages import Deadline, in_time

PLACE: ContextVar[str] = ContextVar("PLACE")


def test_calls_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=10)
    outcomes = in_time(Crew(), {"one": meeting.wait, "other": meeting.wait}, Deadline(10))
    assert {outcomes["one"].result(), outcomes["other"].result()} == {0, 1}


def test_an_error_is_kept_for_whoever_asks() -> None:
    def fail() -> int:
        raise ValueError("no")

    outcomes = in_time(Crew(), {"bad": fail, "good": lambda: 1}, Deadline(10))
    assert outcomes["good"].result() == 1
    assert isinstance(outcomes["bad"].error, ValueError)
    with pytest.raises(ValueError, match="no"):
        outcomes["bad"].result()


def test_what_is_late_is_not_waited_for() -> None:
    released = threading.Event()
    outcomes = in_time(
        Crew(), {"late": released.wait, "good": lambda: True}, Deadline(0.1), share=0.5
    )
    released.set()
    assert outcomes["good"].result() is True
    with pytest.raises(TimeoutError, match=r"not done in 0\.05 s"):
        outcomes["late"].result()


def test_nothing_to_call_takes_no_time() -> None:
    assert in_time(Crew(), {}, Deadline(10)) == {}


def test_calls_see_the_context_of_their_caller() -> None:
    PLACE.set("here")
    assert in_time(Crew(), {"place": PLACE.get}, Deadline(10))["place"].result() == "here"


def test_a_deadline_counts_down_by_its_timer() -> None:
    now = [100.0]
    deadline = Deadline(8, lambda: now[0])
    now[0] = 103
    assert (deadline.left(), deadline.left(0.5), deadline.used_ms()) == (5, 1, 3000)
    now[0] = 110
    assert deadline.left() == 0
