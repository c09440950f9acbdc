"""`poe forget`: deletes what was made from documents, everywhere, and keeps it from coming back."""

from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from llm_engineering.application.corpus.forgetting import ForgetReport, Request
from llm_engineering.domain.errors import InvalidInput
from tools.console import command, main, print_error, print_json, print_result

app = typer.Typer(help=__doc__, add_completion=False)


@app.command()
def forget(
    url: Annotated[str | None, typer.Option(help="The page or file at this address.")] = None,
    author: Annotated[
        str | None, typer.Option(help="All that names this person as an author, now and later.")
    ] = None,
    document: Annotated[str | None, typer.Option(help="The document with this id.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Count what would go, and delete nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print data instead of text.")] = False,
) -> None:
    """Deletes raw, cleaned, chunks, vectors and memories of documents, and proves it."""
    with command() as platform:
        request = _request(url, author, document)
        forgetting = platform.forgetting()
        report = forgetting.look(request) if dry_run else forgetting.forget(request)
        if as_json:
            print_json(report.model_dump_json(indent=2))
        else:
            _show(report, dry_run)
        raise typer.Exit(0 if report.complete or dry_run else 1)


def _request(url: str | None, author: str | None, document: str | None) -> Request:
    """Returns what was asked for.

    Raises:
        InvalidInput: it is not exactly one thing, or cannot be one.
    """
    given = [value for value in (url, author, document) if value is not None]
    if len(given) != 1 or not given[0].strip():
        raise InvalidInput("give one of --url URL, --author NAME, --document ID")
    try:
        return Request(url, UUID(document) if document else None, author)
    except ValueError:
        raise InvalidInput(
            f"--document {document!r} is no id (allowed: 32 hexadecimal digits)"
        ) from None


def _show(report: ForgetReport, dry_run: bool) -> None:
    table = Table("store", "records", box=None, header_style="bold")
    table.add_column("before", justify="right")
    table.add_column("after", justify="right")
    for holding in report.holdings:
        after = "" if dry_run else f"{holding.after:,}"
        table.add_row(holding.store, holding.kind, f"{holding.before:,}", after)
    Console().print(table)
    for url in report.copies_left:
        print_error(f"the same text stands at {url}: poe forget --url {url}")
    records = sum(holding.before for holding in report.holdings)
    documents = f"{len(report.documents):,} documents with {records:,} records"
    if dry_run:
        print_result(f"would forget {documents}", "the same without --dry-run")
    elif report.complete:
        print_result(
            f"forgot {documents}; {report.tombstones:,} tombstones keep them out", "poe run-etl"
        )
    else:
        print_error("something was written meanwhile and is left: type the same again")


if __name__ == "__main__":
    main(app)
