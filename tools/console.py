"""What every command shares: bars on stderr, results on stdout, one line for an error."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from llm_engineering.bootstrap import Platform
from llm_engineering.domain.errors import ConfigurationError, InvalidInput, PipelineError
from llm_engineering.settings import load_settings

USAGE_ERROR = 2
INTERRUPTED = 130


class RichProgress:
    """Progress bars on stderr; without a terminal, one line a finished stage."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Shows one bar while the block runs."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:<22}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(name, total=total)
            yield lambda amount: progress.advance(task, amount)
            done = progress.tasks[0].completed
            progress.update(task, total=done if total is None else total)


@contextmanager
def command(**overrides: object) -> Iterator[Platform]:
    """Opens the platform for one command.

    Our own errors become one line on stderr and the exit status: 2 for what the user can put
    right in the call or the settings, 1 for everything else. Ctrl-C exits with 130.
    """
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("trafilatura").setLevel(logging.ERROR)  # what it drops is no news
    logging.getLogger("llm_engineering").setLevel(logging.WARNING)  # vendors warn of what we handle
    try:
        with Platform(load_settings(**overrides), RichProgress()) as platform:
            yield platform
    except PipelineError as error:
        print_error(str(error))
        wrong_call = isinstance(error, (ConfigurationError, InvalidInput))
        raise SystemExit(USAGE_ERROR if wrong_call else 1) from None
    except OSError as error:  # a full disk, most often: it may strike anywhere
        place = f"{error.filename}: " if error.filename else ""
        print_error(f"{place}{error.strerror or error}")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print_error("stopped; what was stored stays, and the same command goes on from there")
        raise SystemExit(INTERRUPTED) from None


def main(app: Callable[[], object]) -> None:
    """Runs a command line. After Ctrl-C it ends at once: threads may be waiting for a page.

    An argument in another encoding than that of the terminal is refused: no store takes it.
    """
    for argument in sys.argv[1:]:
        if not _is_text(argument):
            print_error(f"an argument is not UTF-8: {argument!r:.80}")
            raise SystemExit(USAGE_ERROR)
    try:
        app()
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
        sys.stdout.flush()
        os._exit(INTERRUPTED)


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def print_error(message: str) -> None:
    """Prints one line on stderr."""
    Console(stderr=True).print("error:", message, style="bold red", markup=False, soft_wrap=True)


def print_json(text: str) -> None:
    """Prints data on stdout as it is: no colours, no wrapping."""
    sys.stdout.write(text + "\n")


def print_result(line: str, then: str) -> None:
    """Prints what happened, and what to do next."""
    console = Console()
    console.print(line, style="bold green", markup=False, soft_wrap=True)
    console.print("next:", then, style="dim", markup=False, soft_wrap=True)
