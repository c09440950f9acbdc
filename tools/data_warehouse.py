"""`poe export-data-warehouse` and `poe import-data-warehouse`: documents as JSON files."""

from pathlib import Path
from typing import Annotated

import typer

from llm_engineering.application.corpus.warehouse import (
    ImportReport,
    export_documents,
    import_documents,
)
from llm_engineering.bootstrap import Platform
from llm_engineering.infrastructure.data_warehouse.json_files import JsonWarehouse
from tools.console import RichProgress, command, main, print_error, print_json, print_result

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

Folder = Annotated[
    Path | None, typer.Option("--dir", help="The folder. Default: data-warehouse in DATA_DIR.")
]
Json = Annotated[bool, typer.Option("--json", help="Print data instead of text.")]


@app.command("export")
def export(folder: Folder = None, as_json: Json = False) -> None:
    """Writes the current documents and the authors, one file a class."""
    with command() as platform:
        report = export_documents(
            platform.document_store,
            platform.likeness_store.links(),
            _warehouse(platform, folder),
            RichProgress(),
        )
    if as_json:
        print_json(report.model_dump_json(indent=2))
        return
    counts = ", ".join(f"{count:,} {name}" for name, count in report.records.items())
    print_result(
        f"wrote {counts} to {report.place}", f"poe import-data-warehouse --dir {report.place}"
    )


@app.command("import")
def import_(
    folder: Folder = None,
    restore_forgotten: Annotated[
        bool, typer.Option(help="Bring back what was forgotten, and lift its tombstones.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Stores what such files hold; doing it twice changes nothing."""
    with command() as platform:
        report = import_documents(
            platform.document_store,
            _warehouse(platform, folder),
            RichProgress(),
            restore_forgotten=restore_forgotten,
        )
    if as_json:
        print_json(report.model_dump_json(indent=2))
    else:
        for example in report.examples:
            print_error(example)
        print_result(_line(report), "poe run-feature")
    raise typer.Exit(0 if report.ok else 1)


def _warehouse(platform: Platform, folder: Path | None) -> JsonWarehouse:
    return JsonWarehouse(folder or platform.folder("data-warehouse"))


def _line(report: ImportReport) -> str:
    kept = f"{report.forgotten:,} forgotten before, {report.older:,} older than what is stored"
    return (
        f"imported {report.new:,} new, {report.changed:,} changed, {report.unchanged:,} unchanged "
        f"and {report.restored:,} restored documents, {report.users:,} authors; left out: {kept}, "
        f"{sum(report.refused.values()):,} refused"
    )


if __name__ == "__main__":
    main(app)
