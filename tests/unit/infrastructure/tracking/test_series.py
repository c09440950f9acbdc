import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from llm_engineering.infrastructure.tracking.series import Series


def test_a_series_outlives_its_process(tmp_path: Path) -> None:
    series = Series(tmp_path, "questions to release 1")
    assert (series.known, series.last_iteration, series.task_id) == (False, 0, None)
    series.last_iteration = 41
    series.last_iteration = 42
    series.task_id = "0123abcd"
    again = Series(tmp_path, "questions to release 1")
    assert (again.known, again.last_iteration, again.task_id) == (True, 42, "0123abcd")


def test_names_do_not_mix(tmp_path: Path) -> None:
    Series(tmp_path, "a").last_iteration = 5
    assert Series(tmp_path, "b").last_iteration == 0
    assert Series(tmp_path, "../a").last_iteration == 0


def test_a_write_that_was_cut_off_leaves_what_was(tmp_path: Path) -> None:
    series = Series(tmp_path, "a")
    series.last_iteration = 5
    for file in (tmp_path / "series").iterdir():
        file.with_suffix(".iteration.1-2.new").write_text("")
    assert Series(tmp_path, "a").last_iteration == 5


def test_workers_that_count_at_the_same_time_do_not_meet(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def count(last: int) -> None:
        series = Series(tmp_path, "a")
        together.wait(10)
        for _ in range(50):
            series.last_iteration = last

    with ThreadPoolExecutor(8) as workers:
        for done in [workers.submit(count, number) for number in range(1, 9)]:
            done.result()
    assert Series(tmp_path, "a").last_iteration in range(1, 9)
    assert [file.suffix for file in (tmp_path / "series").iterdir()] == [".iteration"]


def test_a_file_that_was_emptied_begins_anew(tmp_path: Path) -> None:
    series = Series(tmp_path, "a")
    series.last_iteration, series.task_id = 5, "0123"
    for file in (tmp_path / "series").iterdir():
        file.write_text("")
    assert (series.last_iteration, series.task_id) == (0, None)
