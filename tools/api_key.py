"""API keys of the service: `create` one, `revoke` it, `list` them all."""

import json
import secrets
from collections.abc import Sequence
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from llm_engineering.application.access.keys import make_key
from llm_engineering.bootstrap import now
from llm_engineering.domain.api_keys import ApiKey, Scope
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.types import DataCategory
from tools.console import command, main, print_json, print_result

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
Json = Annotated[bool, typer.Option("--json", help="Print data instead of text.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose it is, such as `wiki-bot`.")],
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="read: ask; ingest: delete documents; admin: all. Repeatable."),
    ] = None,
    author: Annotated[
        list[str] | None, typer.Option(help="Tie it to what this person wrote; repeatable.")
    ] = None,
    platform: Annotated[
        list[str] | None, typer.Option(help="Tie it to this platform; repeatable.")
    ] = None,
    collection: Annotated[
        list[DataCategory] | None, typer.Option(help="Tie it to this kind of text; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Makes a key and shows its token, this once: only a hash of it is stored."""
    with command() as platform_:
        ties = SearchFilters(
            authors=tuple(author or ()),
            platforms=tuple(platform or ()),
            categories=tuple(collection or ()),
        )
        scopes = tuple(dict.fromkeys(scope or [Scope.READ]))
        try:
            key, token = make_key(name.strip(), scopes, ties, now(), secrets.token_bytes)
        except ValidationError:
            raise InvalidInput(f"a key's name has 1 to 100 characters, not {name!r:.120}") from None
        platform_.api_key_store.add(key)
    if as_json:
        print_json(json.dumps({**key_row(key), "token": token}, indent=2))
        return
    Console().print(token, markup=False, highlight=False, soft_wrap=True)
    print_result(
        f"key {key.id} of {key.name} is made; the token above is shown only now",
        "send it as `Authorization: Bearer …`",
    )


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    as_json: Json = False,
) -> None:
    """Ends a key; running services refuse it within five seconds."""
    with command() as platform:
        if not platform.api_key_store.revoke(key_id, now()):
            known = ", ".join(key.id for key in platform.api_key_store.all()) or "none"
            raise InvalidInput(f"no API key {key_id!r} (there are: {known})")
    if as_json:
        print_json(json.dumps({"id": key_id, "revoked": True}))
        return
    print_result(f"key {key_id} is revoked", "poe api-key list")


@app.command(name="list")
def list_(as_json: Json = False) -> None:
    """Shows every key, without its token: that is stored nowhere."""
    with command() as platform:
        keys = platform.api_key_store.all()
    if as_json:
        print_json(json.dumps([key_row(key) for key in keys], indent=2))
        return
    Console().print(keys_table(keys))
    valid = sum(key.revoked_at is None for key in keys)
    print_result(f"{valid} of {len(keys)} keys are valid", "poe api-key create NAME")


def keys_table(keys: Sequence[ApiKey]) -> Table:
    """Returns a row for each key."""
    table = Table(box=None, header_style="bold")
    for column in ("id", "name", "scopes", "tied to", "made", "revoked"):
        table.add_column(column, overflow="fold")
    for key in keys:
        tied = key.ties.model_dump(mode="json", exclude_defaults=True)
        table.add_row(
            key.id,
            key.name,
            " ".join(key.scopes),
            "; ".join(f"{name}: {', '.join(values)}" for name, values in tied.items()),
            f"{key.created_at:%Y-%m-%d}",
            f"{key.revoked_at:%Y-%m-%d}" if key.revoked_at else "",
        )
    return table


def key_row(key: ApiKey) -> dict[str, object]:
    """Returns a key as data, without the hash of its token."""
    return key.model_dump(mode="json", exclude={"digest"})


if __name__ == "__main__":
    main(app)
