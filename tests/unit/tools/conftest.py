"""Commands of the tools over a platform in memory."""

from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.platforms import InMemoryPlatform

Run = Callable[..., Result]


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemoryPlatform:
    """What commands open: the same one each time, as the same servers would be."""
    monkeypatch.chdir(tmp_path)
    opened = InMemoryPlatform(tmp_path)
    monkeypatch.setattr("tools.console.Platform", lambda *_: opened)
    return opened


def errors(done: Result) -> list[str]:
    """Returns the lines on stderr that are errors: bars stand there, too."""
    return [
        line.removeprefix("error: ")
        for line in done.stderr.splitlines()
        if line.startswith("error: ")
    ]


@pytest.fixture
def run(platform: InMemoryPlatform) -> Callable[[typer.Typer], Run]:
    """Calls commands of an app, and checks their exit status."""

    def of(app: typer.Typer) -> Run:
        def call(*arguments: object, status: int = 0) -> Result:
            done = CliRunner().invoke(app, [str(argument) for argument in arguments])
            assert done.exit_code == status, (done.output, done.exception)
            return done

        return call

    return of
