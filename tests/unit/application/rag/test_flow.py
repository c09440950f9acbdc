import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace

import pytest

from llm_engineering.application.rag.flow import Flow, Stage
from llm_engineering.application.rag.search import Search
from llm_engineering.application.rag.stages import Deadline
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.queries import Query
from tests.at_once import answers_at_once

PLACE: ContextVar[str] = ContextVar("PLACE")


def asked(seconds: float = 10.0) -> Search:
    return Search(Query(text="What?"), k=1, deadline=Deadline(seconds))


def flow_of(*stages: Stage, at_once: int = 2) -> Flow:
    return Flow(*stages, at_once=at_once)


def adds(name: str, before: Callable[[], object] = lambda: None) -> Callable[[Search], Search]:
    """Returns a stage's function that notes its name, after something else."""

    def run(search: Search) -> Search:
        before()
        return replace(search, variants=(*search.variants, name))

    return run


def never(search: Search, late: TimeoutError) -> Search:
    raise AssertionError(f"{search}: {late}")


def named_late(name: str) -> Callable[[Search, TimeoutError], Search]:
    return lambda search, late: search.without_stage(name, late)


def test_stages_run_in_their_order() -> None:
    flow = flow_of(*(Stage(name, adds(name), never) for name in "abc"))
    assert flow.invoke(asked()).variants == ("a", "b", "c")
    assert [step.name for step in flow.steps] == ["a", "b", "c"]


def test_all_stages_in_time_share_a_thread_that_is_not_the_callers() -> None:
    seen: list[threading.Thread] = []
    note = lambda: seen.append(threading.current_thread())  # noqa: E731
    flow = flow_of(*(Stage(name, adds(name, note), never) for name in "abc"))
    flow.invoke(asked())
    flow.invoke(asked())
    assert len(set(seen)) == 1
    assert threading.current_thread() not in seen


def test_stages_see_the_context_of_their_caller() -> None:
    PLACE.set("here")
    seen: list[str] = []
    note = lambda: seen.append(PLACE.get())  # noqa: E731
    flow_of(Stage("a", adds("a", note), never), Stage("b", adds("b"), never)).invoke(asked())
    assert seen == ["here"]


def test_an_error_of_a_stage_is_the_callers_and_ends_the_way() -> None:
    def fail() -> None:
        raise StoreUnavailable("gone")

    ran: list[str] = []
    flow = flow_of(
        Stage("a", adds("a", fail), never), Stage("b", adds("b", lambda: ran.append("b")), never)
    )
    with pytest.raises(StoreUnavailable, match="gone"):
        flow.invoke(asked())
    assert ran == []


@pytest.mark.parametrize("hanging", range(3))
def test_the_others_run_when_one_is_late(hanging: int) -> None:
    released = threading.Event()
    stages = [
        Stage(
            name,
            adds(name, released.wait if place == hanging else lambda: None),
            named_late(name),
            until=0.01 if place == hanging else 1.0,
        )
        for place, name in enumerate("abc")
    ]
    try:
        found = flow_of(*stages).invoke(asked())
    finally:
        released.set()
    late = "abc"[hanging]
    assert found.variants == tuple(name for name in "abc" if name != late)
    assert found.degraded == {late: "not done in 0.1 s"}


def test_a_stage_has_its_own_time_not_that_of_the_one_before() -> None:
    flow = flow_of(
        Stage("quick", adds("quick"), never, until=0.1),
        Stage("slow", adds("slow", lambda: time.sleep(1.2)), never, until=1.0),
        Stage("last", adds("last"), never),
    )
    assert flow.invoke(asked()).variants == ("quick", "slow", "last")


def test_a_stage_whose_time_is_over_before_it_begins_is_late() -> None:
    flow = flow_of(
        Stage("slow", adds("slow", lambda: time.sleep(0.2)), never, until=0.9),
        Stage("early", adds("early"), named_late("early"), until=0.01),
        Stage("last", adds("last"), never),
    )
    found = flow.invoke(asked())
    assert (found.variants, list(found.degraded)) == (("slow", "last"), ["early"])


def test_what_a_late_stage_comes_to_is_unheard() -> None:
    released, ended = threading.Event(), threading.Event()
    ran: list[str] = []

    def hang() -> None:
        released.wait()
        ended.set()

    flow = flow_of(
        Stage("late", adds("late", hang), named_late("late"), until=0.01),
        Stage("next", adds("next", lambda: ran.append(threading.current_thread().name)), never),
    )
    found = flow.invoke(asked())
    released.set()
    assert ended.wait(10)
    again = flow.invoke(asked())
    assert found.variants == ("next",)
    assert again.variants == ("late", "next")
    assert len(ran) == 2  # the late one's thread went no further


def test_a_late_stage_may_be_an_error() -> None:
    released = threading.Event()

    def outage(_: Search, late: TimeoutError) -> Search:
        raise StoreUnavailable(f"no answer: {late}") from late

    flow = flow_of(
        Stage("a", adds("a"), never), Stage("b", adds("b", released.wait), outage, until=0.5)
    )
    try:
        with pytest.raises(StoreUnavailable, match=r"no answer: not done in 0\.05 s"):
            flow.invoke(asked(0.1))
    finally:
        released.set()


def test_many_questions_at_once_do_not_mix() -> None:
    flow = flow_of(*(Stage(name, adds(name, lambda: time.sleep(0.001)), never) for name in "ab"))
    found: list[tuple[str, ...]] = []

    def ask(n: int) -> None:
        found.append(flow.invoke(replace(asked(), variants=(str(n),))).variants)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted((str(n), "a", "b") for n in range(20))


class Crowd:
    """Counts how many are in a stage at the same time."""

    def __init__(self) -> None:
        self.most = self._now = 0
        self._lock = threading.Lock()

    def pass_through(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.02)
        with self._lock:
            self._now -= 1


def test_so_many_are_worked_on_at_once_and_any_number_may_wait_for_others() -> None:
    reading, working = Crowd(), Crowd()
    together = threading.Barrier(6, timeout=10)

    def read() -> None:
        together.wait()  # all six are here: none takes a place
        reading.pass_through()

    flow = flow_of(
        Stage("read", adds("read", read), never, waits=True),
        Stage("work", adds("work", working.pass_through), never),
        at_once=2,
    )
    answers_at_once(lambda: flow.invoke(asked()), 6)
    assert reading.most > working.most == 2


def test_a_question_that_gets_no_place_in_time_is_late_at_every_stage() -> None:
    released, busy = threading.Event(), threading.Event()

    def hold() -> None:
        busy.set()
        released.wait()

    flow = flow_of(
        Stage("a", adds("a", hold), named_late("a")),
        Stage("b", adds("b"), named_late("b")),
        at_once=1,
    )
    first = threading.Thread(target=flow.invoke, args=(asked(),))
    first.start()
    try:
        assert busy.wait(10)
        found = flow.invoke(asked(0.1))
    finally:
        released.set()
        first.join()
    assert (found.variants, list(found.degraded)) == ((), ["a", "b"])


def test_a_late_stage_gives_its_place_to_others() -> None:
    released = threading.Event()
    hangs = iter((True, False))

    def hang_once() -> None:
        if next(hangs):
            released.wait()

    flow = flow_of(
        Stage("a", adds("a", hang_once), named_late("a"), until=0.01),
        Stage("b", adds("b"), never),
        at_once=1,
    )
    try:
        assert flow.invoke(asked()).variants == ("b",)
        assert flow.invoke(asked()).variants == ("a", "b")
    finally:
        released.set()
