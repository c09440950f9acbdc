"""Batches and workers in this process: order, laziness, and what is never passed over."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.domain.errors import ExecutionFailed, FetchError
from llm_engineering.infrastructure.execution.batches import batched, worked
from llm_engineering.infrastructure.execution.in_process import InProcessExecutor

Numbers = Sequence[int]


@given(st.lists(st.integers()), st.integers(1, 10))
def test_batches_hold_all_items_in_order_and_only_the_last_is_shorter(
    items: list[int], size: int
) -> None:
    batches = list(batched(iter(items), size))
    assert [item for batch in batches for item in batch] == items
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(1 <= len(batch) <= size for batch in batches)


def endless(read: list[int]) -> Iterator[int]:
    number = 0
    while True:
        read.append(number)
        yield number
        number += 1


def test_a_batch_is_read_when_it_is_asked_for() -> None:
    read: list[int] = []
    batches = batched(endless(read), 3)
    assert read == []
    assert next(batches) == [0, 1, 2]
    assert read == [0, 1, 2]


@pytest.mark.parametrize("given", [0, 1, 2, 4, 100])
def test_a_worker_answers_for_each_item(given: int) -> None:
    with pytest.raises(ExecutionFailed, match=f"gave {given} results for 3 items") as failure:
        worked(lambda _: list(range(given)), [1, 2, 3])
    assert failure.value.transient
    assert worked(lambda _: range(3), [1, 2, 3]) == [0, 1, 2]


def test_a_worker_may_answer_with_any_sequence() -> None:
    assert worked(tuple, [1, 2]) == [1, 2]
    assert worked(lambda batch: dict.fromkeys(batch, 1), [1, 2]) == [1, 2]  # type: ignore[arg-type, return-value]


class Worker:
    """Doubles numbers; counts how often it was made and called. Fails at `bad`."""

    def __init__(self, bad: int | None = None) -> None:
        self.made = 0
        self.batches: list[list[int]] = []
        self.bad = bad

    def __call__(self) -> Callable[[Numbers], Numbers]:
        self.made += 1

        def work(batch: Numbers) -> Numbers:
            self.batches.append(list(batch))
            if self.bad in batch:
                raise FetchError("https://example.org/", "gone", transient=True)
            return [2 * number for number in batch]

        return work


def test_here_a_worker_is_made_with_the_first_item_and_once() -> None:
    worker = Worker()
    results = InProcessExecutor().map(worker, range(7), batch_size=3)
    assert worker.made == 0
    assert next(results) == 0
    assert list(results) == [2, 4, 6, 8, 10, 12]
    assert (worker.made, worker.batches) == (1, [[0, 1, 2], [3, 4, 5], [6]])


def test_here_nothing_to_do_loads_no_model() -> None:
    worker = Worker()
    assert list(InProcessExecutor().map(worker, [], batch_size=3)) == []
    assert worker.made == 0


def test_here_what_was_done_before_a_failure_has_been_given() -> None:
    worker, given = Worker(bad=4), list[int]()
    with pytest.raises(FetchError) as failure:
        given.extend(InProcessExecutor().map(worker, range(9), batch_size=3))
    assert failure.value.transient
    assert worker.batches == [[0, 1, 2], [3, 4, 5]], "nothing is begun after it"


def test_here_work_stops_when_nobody_listens_any_more() -> None:
    worker, read = Worker(), list[int]()
    results = InProcessExecutor().map(worker, endless(read), batch_size=2)
    next(results)
    close = results.close  # type: ignore[attr-defined]
    close()
    assert worker.batches == [[0, 1]]
    assert read == [0, 1]


def test_an_executor_may_be_used_again() -> None:
    executor, worker = InProcessExecutor(), Worker()
    for _ in range(2):
        assert list(executor.map(worker, [1], batch_size=1)) == [2]
    assert worker.made == 2, "each run has a worker of its own"
    executor.close()
