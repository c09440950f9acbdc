"""The index generations: `status` shows them, `switch` goes back to an earlier one."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from llm_engineering.application.ports.storage import GenerationStatus
from llm_engineering.domain.errors import InvalidInput
from tools.console import command, main, print_json, print_result

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
Json = Annotated[bool, typer.Option("--json", help="Print data instead of a table.")]


@app.command()
def status(as_json: Json = False) -> None:
    """Shows the index generations, and what the document store holds."""
    with command() as platform:
        generations = platform.chunk_index.generations()
        counts = dict(platform.document_store.counts())
    if as_json:
        rows = [_row(each) for each in generations]
        print_json(json.dumps({"generations": rows, "documents": counts}, indent=2))
        return
    Console().print(generations_table(generations))
    stored = ", ".join(f"{value:,} {name}" for name, value in counts.items())
    print_result(f"{len(generations)} generations; stored: {stored}", "poe run-feature")


@app.command()
def switch(
    name: Annotated[str, typer.Argument(help="As `status` shows it.")], as_json: Json = False
) -> None:
    """Makes an earlier generation the live one: running services read it at the next question."""
    with command() as platform:
        index = platform.chunk_index
        known = {each.generation.name: each.generation for each in index.generations()}
        if name not in known:
            names = ", ".join(known) or "none"
            raise InvalidInput(f"no index generation {name!r} (there are: {names})")
        before = index.live()
        index.switch(known[name])
    if as_json:
        print_json(json.dumps({"live": name, "before": before.name if before else None}))
        return
    print_result(f"{name} is live", "poe run-feature brings it up to date, or moves on from it")


def generations_table(generations: Sequence[GenerationStatus]) -> Table:
    """Returns a row for each generation."""
    table = Table(box=None, header_style="bold")
    table.add_column("generation", overflow="fold")
    for column in ("chunks", "MB", "live"):
        table.add_column(column, justify="right")
    for each in generations:
        size = "" if each.size is None else f"{each.size / 1e6:,.1f}"
        table.add_row(each.generation.name, f"{each.chunks:,}", size, "yes" if each.live else "")
    return table


def _row(each: GenerationStatus) -> dict[str, object]:
    return {
        "name": each.generation.name,
        "embedder": each.generation.embedder,
        "chunker": each.generation.chunker,
        "chunks": each.chunks,
        "bytes": each.size,
        "live": each.live,
    }


if __name__ == "__main__":
    main(app)
