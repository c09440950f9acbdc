import io

import pytest
from rich.console import Console

from llm_engineering.bootstrap import Platform
from llm_engineering.domain.errors import (
    ConfigurationError,
    InvalidInput,
    ModelError,
    PipelineError,
    StoreUnavailable,
)
from tools.console import RichProgress, command, main, print_json, print_result


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigurationError("LLM_PROVIDER is wrong"), 2),
        (InvalidInput("nothing is indexed yet"), 2),
        (StoreUnavailable("MongoDB is out of reach"), 1),
        (ModelError("the model failed"), 1),
    ],
)
def test_our_errors_are_one_line_and_a_status(
    error: PipelineError, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped, command():
        raise error
    assert stopped.value.code == status
    assert capsys.readouterr().err == f"error: {error}\n"


def test_control_c_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped, command():
        raise KeyboardInterrupt
    assert stopped.value.code == 130
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device", "/data/x"), "/data/x: No space left on device"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("odd"), "odd"),
    ],
)
def test_a_full_disk_is_one_line_wherever_it_strikes(
    error: OSError, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped, command():
        raise error
    assert stopped.value.code == 1
    assert capsys.readouterr().err == f"error: {line}\n"


@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_command_line_keeps_its_status(code: int) -> None:
    def app() -> None:
        raise SystemExit(code)

    with pytest.raises(SystemExit) as ended:
        main(app)
    assert ended.value.code == code


def test_an_argument_that_is_no_text_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    latin_1 = "caf\udce9"  # as Python hands on a byte that is not UTF-8
    monkeypatch.setattr("sys.argv", ["rag", "ask", "Where?", "--author", latin_1])
    with pytest.raises(SystemExit) as ended:
        main(lambda: pytest.fail("it ran"))
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: an argument is not UTF-8: 'caf\\udce9'\n"


def test_what_we_did_not_foresee_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), command():
        raise ZeroDivisionError


def test_a_wrong_setting_is_told_before_anything_is_opened(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LLM_PROVIDER", "nobody")
    with pytest.raises(SystemExit) as stopped, command():
        raise AssertionError("never reached")
    assert stopped.value.code == 2
    assert "LLM_PROVIDER" in capsys.readouterr().err


def test_the_platform_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Platform] = []

    def close(platform: Platform) -> None:
        closed.append(platform)

    monkeypatch.setattr(Platform, "close", close)
    with command() as platform:
        assert closed == []
    assert closed == [platform]


def test_long_lines_are_not_broken(capsys: pytest.CaptureFixture[str]) -> None:
    print_result("x" * 300, "poe run-feature [now]")
    assert capsys.readouterr().out == f"{'x' * 300}\nnext: poe run-feature [now]\n"


def test_data_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_json('{"a": "[bold]"}')
    assert capsys.readouterr().out == '{"a": "[bold]"}\n'


@pytest.mark.parametrize("total", [None, 3])
def test_bars_show_the_stage_and_how_much_was_done(total: int | None) -> None:
    shown = io.StringIO()
    progress = RichProgress(Console(file=shown, width=100))
    with progress.stage("embed chunks", total) as advance:
        advance(1)
        advance(2)
    assert "embed chunks" in shown.getvalue()
    assert "3/3" in shown.getvalue()


def test_one_stage_inside_another() -> None:
    shown = io.StringIO()
    progress = RichProgress(Console(file=shown, width=100))
    with progress.stage("outer", 1) as outer, progress.stage("inner", 2) as inner:
        inner(2)
        outer(1)
    assert "outer" in shown.getvalue()
    assert "inner" in shown.getvalue()
