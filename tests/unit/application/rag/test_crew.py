import threading
from contextvars import ContextVar
from queue import SimpleQueue

from llm_engineering.application.rag.crew import Crew

PLACE: ContextVar[str] = ContextVar("PLACE")
WAIT_S = 10


def thread_of(crew: Crew, name: str = "call") -> threading.Thread:
    """Returns the thread that makes a call, after it has become idle."""
    made: SimpleQueue[threading.Thread] = SimpleQueue()
    crew.run(lambda: made.put(threading.current_thread()), name)
    thread = made.get(timeout=WAIT_S)
    until_idle(crew, thread)
    return thread


def until_idle(crew: Crew, thread: threading.Thread) -> None:
    waited = threading.Event()
    for _ in range(1000):
        if thread in crew._idle or not thread.is_alive():
            return
        waited.wait(0.01)
    raise AssertionError("the thread did not become idle")


def test_a_thread_is_used_again_under_another_name() -> None:
    crew = Crew()
    first = thread_of(crew, "one")
    second = thread_of(crew, "other")
    assert first is second
    assert second.name == "other"


def test_calls_at_the_same_time_have_threads_of_their_own() -> None:
    crew, meeting = Crew(), threading.Barrier(3, timeout=WAIT_S)
    for number in range(2):
        crew.run(lambda: meets(meeting), str(number))
    meeting.wait()


def meets(meeting: threading.Barrier) -> None:
    meeting.wait()


def test_a_thread_keeps_no_process_alive() -> None:
    assert thread_of(Crew()).daemon


def test_a_thread_without_work_ends_and_another_takes_its_place() -> None:
    crew = Crew(rest_s=0.001)
    first = thread_of(crew)
    first.join(WAIT_S)
    assert not first.is_alive()
    assert thread_of(crew) is not first


def test_a_thread_that_is_called_at_the_last_moment_does_not_end() -> None:
    crew = Crew()
    thread = thread_of(crew)
    crew._idle.clear()  # somebody has just taken it
    assert not crew.rest(thread)  # type: ignore[arg-type]


def test_a_call_sees_the_context_of_each_caller() -> None:
    crew = Crew()
    seen: SimpleQueue[str] = SimpleQueue()
    for place in ("here", "there"):
        PLACE.set(place)
        crew.run(lambda: seen.put(PLACE.get()), "call")
        assert seen.get(timeout=WAIT_S) == place
