"""The contract of Executor, over this process, several processes, and a Ray cluster of two."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_engineering.application.ports.execution import Executor
from llm_engineering.domain.errors import ExecutionFailed, FetchError
from llm_engineering.infrastructure.execution.in_process import InProcessExecutor
from llm_engineering.infrastructure.execution.processes import ProcessExecutor
from llm_engineering.infrastructure.execution.ray_data import RayExecutor
from tests.contracts.execution_workers import (
    Dying,
    Squaring,
    make_dividing,
    make_failing,
    make_forgetful,
)

SQUARES = [number * number for number in range(100)]


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[RayExecutor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_raylet_start_wait_time_s", "200")  # on a machine that does much else
        executor = RayExecutor(None, workers=2)
    yield executor
    executor.close()


# Ray warns its own code of what it deprecated
pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")


@pytest.fixture(params=["in_process", "processes", "ray"])
def executor(request: pytest.FixtureRequest) -> Executor:
    if request.param == "ray":
        cluster: RayExecutor = request.getfixturevalue("ray_cluster")
        return cluster
    return InProcessExecutor() if request.param == "in_process" else ProcessExecutor(2)


def test_results_come_in_the_order_of_the_items_and_workers_are_made_once(
    executor: Executor, tmp_path: Path
) -> None:
    results = list(executor.map(Squaring(tmp_path), range(100), batch_size=5))
    assert results == SQUARES
    workers = len(list(tmp_path.iterdir()))
    assert 1 <= workers <= 2


def test_without_items_nothing_is_yielded(executor: Executor, tmp_path: Path) -> None:
    assert list(executor.map(Squaring(tmp_path), [], batch_size=5)) == []


def test_an_error_of_ours_comes_back_as_it_is(executor: Executor) -> None:
    with pytest.raises(FetchError) as caught:
        list(executor.map(make_failing, range(10), batch_size=3))
    error = caught.value
    assert (error.url, error.reason, error.transient) == ("https://example.org/7", "gone", True)


def test_a_worker_that_loses_an_item_is_found_out(executor: Executor) -> None:
    with pytest.raises(ExecutionFailed, match="gave 2 results for 3 items"):
        list(executor.map(make_forgetful, range(9), batch_size=3))


def test_an_error_that_nobody_foresaw_ends_the_run_too(executor: Executor) -> None:
    with pytest.raises((ZeroDivisionError, ExecutionFailed), match="by zero"):
        list(executor.map(make_dividing, range(9), batch_size=3))


def test_items_are_read_as_they_are_needed(executor: Executor, tmp_path: Path) -> None:
    read = []

    def items() -> Iterator[int]:
        for number in range(2_000):
            read.append(number)
            yield number

    results = executor.map(Squaring(tmp_path), items(), batch_size=2)
    assert next(results) == 0
    assert len(read) < 200
    close = getattr(results, "close", None)
    assert close
    close()


@pytest.mark.parametrize("kind", ["processes", "ray"])
def test_a_killed_worker_loses_nothing(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    executor: Executor = (
        ProcessExecutor(2) if kind == "processes" else request.getfixturevalue("ray_cluster")
    )
    assert list(executor.map(Dying(tmp_path), range(100), batch_size=5)) == SQUARES
    assert len(list(tmp_path.iterdir())) == 1, "no worker was killed"


def test_processes_that_always_die_end_the_run(tmp_path: Path) -> None:
    with pytest.raises(ExecutionFailed, match="died 3 times at the same batch of 5"):
        list(ProcessExecutor(2).map(Dying(tmp_path, times=99), range(100), batch_size=5))


def test_a_cluster_that_does_not_answer_is_named() -> None:
    with pytest.raises(ExecutionFailed, match=r"RAY_ADDRESS=127\.0\.0\.1:1"):
        RayExecutor("127.0.0.1:1", workers=2)
