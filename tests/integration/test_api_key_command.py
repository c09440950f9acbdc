"""`poe api-key` over the real MongoDB: what it makes opens, until it is revoked."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llm_engineering.application.access.keys import key_of_token
from llm_engineering.bootstrap import Platform
from llm_engineering.settings import load_settings
from tools.api_key import app


@pytest.fixture
def platform(
    mongo_uri: str, mongo_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Platform:
    monkeypatch.setenv("DATABASE_HOST", mongo_uri)
    monkeypatch.setenv("DATABASE_NAME", mongo_name)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return Platform(load_settings())


def run(*arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == status, done.output
    return done.output


def test_a_key_is_made_listed_and_revoked(platform: Platform) -> None:
    with platform:
        made = json.loads(
            run("create", "wiki-bot", "--scope", "ingest", "--author", "Ada Lovelace", "--json")
        )
        key = key_of_token(made["token"], platform.api_key_store)
        assert key is not None
        assert (key.name, key.ties.authors) == ("wiki-bot", ("Ada Lovelace",))

        listed = run("list")
        assert made["id"] in listed
        assert "1 of 1 keys are valid" in listed
        assert made["token"] not in listed
        assert key.digest not in run("list", "--json")

        assert "is revoked" in run("revoke", made["id"])
        assert key_of_token(made["token"], platform.api_key_store) is None
        assert "0 of 1 keys are valid" in run("list")


def test_the_token_is_shown_once_with_what_to_do_with_it(platform: Platform) -> None:
    with platform:
        shown = run("create", "reader").splitlines()
        key = key_of_token(shown[0], platform.api_key_store)
    assert key is not None
    assert [scope.value for scope in key.scopes] == ["read"]
    assert shown[-1].startswith("next: send it as")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("revoke", "0" * 12), "there are: none"),
        (("create", "  "), "1 to 100 characters"),
        (("create", "x" * 101), "1 to 100 characters"),
        (("create", "x", "--scope", "root"), "root"),
        (("create", "x", "--collection", "songs"), "songs"),
    ],
)
def test_a_wrong_call_says_what_is_allowed(
    platform: Platform, arguments: tuple[str, ...], named: str
) -> None:
    assert named in run(*arguments, status=2)
