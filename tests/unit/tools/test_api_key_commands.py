"""`poe api-key` over a store in memory: what a key is made with, and what is shown of it."""

import json
from collections.abc import Callable

import pytest
import typer

from llm_engineering.application.access.keys import key_of_token
from llm_engineering.domain.api_keys import ApiKey, Scope
from llm_engineering.domain.types import DataCategory
from tests.platforms import InMemoryPlatform
from tests.unit.tools.conftest import Run, errors
from tools.api_key import app


@pytest.fixture
def call(run: Callable[[typer.Typer], Run]) -> Run:
    return run(app)


def made(call: Run, platform: InMemoryPlatform, *arguments: str) -> tuple[ApiKey, str]:
    """Returns the key that a call makes, and its token."""
    told = json.loads(call("create", *arguments, "--json").stdout)
    key = key_of_token(told["token"], platform.api_key_store)
    assert key is not None
    assert key.id == told["id"]
    return key, told["token"]


@pytest.mark.parametrize(
    ("options", "scopes"),
    [
        ((), (Scope.READ,)),
        (("--scope", "admin"), (Scope.ADMIN,)),
        (("--scope", "ingest", "--scope", "read"), (Scope.INGEST, Scope.READ)),
        (("--scope", "read", "--scope", "read"), (Scope.READ,)),
    ],
)
def test_a_key_has_the_scopes_it_is_made_with(
    call: Run, platform: InMemoryPlatform, options: tuple[str, ...], scopes: tuple[Scope, ...]
) -> None:
    assert made(call, platform, "bot", *options)[0].scopes == scopes


def test_ties_of_every_kind_are_kept(call: Run, platform: InMemoryPlatform) -> None:
    key, _ = made(
        call,
        platform,
        *("bot", "--author", "Ada Lovelace", "--author", "Grace Hopper"),
        *("--platform", "github", "--collection", "posts", "--collection", "articles"),
    )
    assert key.ties.authors == ("Ada Lovelace", "Grace Hopper")
    assert key.ties.platforms == ("github",)
    assert key.ties.categories == (DataCategory.POSTS, DataCategory.ARTICLES)


@pytest.mark.parametrize("name", [" wiki-bot ", "x" * 100, "größe 🚢", "a b"])
def test_a_name_is_whatever_people_call_it(
    call: Run, platform: InMemoryPlatform, name: str
) -> None:
    assert made(call, platform, name)[0].name == name.strip()


def test_two_keys_of_one_name_are_two(call: Run, platform: InMemoryPlatform) -> None:
    (one, first), (other, second) = (made(call, platform, "bot") for _ in range(2))
    assert one.id != other.id
    assert first != second
    assert len(platform.api_key_store.all()) == 2


def test_the_token_stands_alone_on_the_first_line_to_be_copied(call: Run) -> None:
    token, line, then = call("create", "bot").stdout.splitlines()
    assert token.startswith("llmp_")
    assert "shown only now" in line
    assert then == "next: send it as `Authorization: Bearer …`"


def test_neither_list_nor_data_tells_a_secret(call: Run, platform: InMemoryPlatform) -> None:
    key, token = made(call, platform, "bot", "--author", "Ada Lovelace")
    secret = token.rpartition("_")[2]
    for flags in ((), ("--json",)):
        shown = call("list", *flags).stdout
        assert key.id in shown
        assert secret not in shown
        assert key.digest not in shown


def test_the_list_says_what_each_is_tied_to_and_whether_it_holds(
    call: Run, platform: InMemoryPlatform
) -> None:
    tied, _ = made(call, platform, "tied", "--platform", "github")
    free, _ = made(call, platform, "free")
    call("revoke", free.id)
    rows = {row["id"]: row for row in json.loads(call("list", "--json").stdout)}
    assert rows[tied.id]["ties"]["platforms"] == ["github"]
    assert rows[tied.id]["revoked_at"] is None
    assert rows[free.id]["revoked_at"] is not None
    assert "1 of 2 keys are valid" in call("list").stdout


def test_an_empty_list_says_how_to_make_one(call: Run) -> None:
    assert json.loads(call("list", "--json").stdout) == []
    assert call("list").stdout.splitlines()[-2:] == [
        "0 of 0 keys are valid",
        "next: poe api-key create NAME",
    ]


def test_a_revoked_key_opens_nothing_and_stays_revoked(
    call: Run, platform: InMemoryPlatform
) -> None:
    key, token = made(call, platform, "bot")
    assert json.loads(call("revoke", key.id, "--json").stdout) == {"id": key.id, "revoked": True}
    assert key_of_token(token, platform.api_key_store) is None
    revoked_at = platform.api_key_store.all()[0].revoked_at
    call("list")
    assert platform.api_key_store.all()[0].revoked_at == revoked_at


def test_an_unknown_key_is_refused_with_those_there_are(
    call: Run, platform: InMemoryPlatform
) -> None:
    assert errors(call("revoke", "x", status=2)) == ["no API key 'x' (there are: none)"]
    key, _ = made(call, platform, "bot")
    assert errors(call("revoke", key.id.upper() + "0", status=2)) == [
        f"no API key '{key.id.upper()}0' (there are: {key.id})"
    ]


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_name_out_of_bounds_makes_no_key(
    call: Run, platform: InMemoryPlatform, name: str
) -> None:
    (error,) = errors(call("create", name, status=2))
    assert error.startswith("a key's name has 1 to 100 characters, not ")
    assert len(error) < 200
    assert platform.api_key_store.all() == []


@pytest.mark.parametrize(
    "options", [("--scope", "root"), ("--collection", "songs"), ("--colour", "red")]
)
def test_wrong_options_make_no_key(
    call: Run, platform: InMemoryPlatform, options: tuple[str, str]
) -> None:
    done = call("create", "bot", *options, status=2)
    assert (options[1] if options[0] != "--colour" else "--colour") in done.stderr
    assert platform.api_key_store.all() == []
