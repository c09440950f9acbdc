"""`poe upload-tracking`: brings what was recorded offline to the ClearML server."""

import json
from typing import Annotated

import typer

from tools.console import command, main, print_json, print_result

app = typer.Typer(help=__doc__, add_completion=False)


@app.command()
def upload(
    as_json: Annotated[bool, typer.Option("--json", help="Print data instead of text.")] = False,
) -> None:
    """Uploads every offline session, in order; sessions of one release become one task."""
    pages: list[str] = []
    with command() as platform:
        for uploads in platform.session_uploads().values():
            pages += [uploads.upload(session) for session in uploads.waiting()]
    tasks = list(dict.fromkeys(pages))
    if as_json:
        print_json(json.dumps({"sessions": len(pages), "pages": tasks}, indent=2))
    elif tasks:
        print_result(f"{len(pages):,} sessions are on the server", f"open {tasks[-1]}")
    else:
        print_result("nothing was recorded offline", "poe serve")


if __name__ == "__main__":
    main(app)
