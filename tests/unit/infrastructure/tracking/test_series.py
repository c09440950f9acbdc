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
        file.with_suffix(".iteration.new").write_text("")
    assert Series(tmp_path, "a").last_iteration == 5
