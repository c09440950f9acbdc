"""`poe index-status` and `poe index-switch` over an index in memory."""

import json
from collections.abc import Callable

import pytest
import typer

from llm_engineering.application.preprocessing.config import ChunkingConfig
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from pipelines.feature import run_feature
from tests.platforms import FEATURES, PAGES, InMemoryPlatform, put_pages
from tests.unit.tools.conftest import Run, errors
from tools.index import app


@pytest.fixture
def call(run: Callable[[typer.Typer], Run]) -> Run:
    return run(app)


@pytest.fixture
def generations(platform: InMemoryPlatform) -> tuple[str, str]:
    """The names of an earlier generation and the live one, of smaller chunks."""
    put_pages(platform)
    smaller = ChunkingConfig(chunk_tokens=40, heading_tokens=12)
    run_feature(platform, FEATURES.model_copy(update={"chunking": smaller}), SilentProgress())
    live = platform.chunk_index.live()
    assert live is not None
    (earlier,) = {one.generation.name for one in platform.chunk_index.generations()} - {live.name}
    return earlier, live.name


def test_an_empty_index_says_where_to_begin(call: Run) -> None:
    assert json.loads(call("status", "--json").stdout)["generations"] == []
    done = call("status")
    assert "0 generations; stored: " in done.stdout
    assert "next: poe run-feature" in done.stdout


def test_generations_are_told_with_what_they_are_made_of(
    call: Run, platform: InMemoryPlatform, generations: tuple[str, str]
) -> None:
    earlier, live = generations
    told = json.loads(call("status", "--json").stdout)
    rows = {row["name"]: row for row in told["generations"]}
    assert {name: row["live"] for name, row in rows.items()} == {earlier: False, live: True}
    assert {row["embedder"] for row in rows.values()} == {platform.embedding_model.fingerprint}
    assert all(row["chunks"] >= len(PAGES) and row["bytes"] is None for row in rows.values())
    assert sum(told["documents"].values()) >= len(PAGES)
    text = call("status").stdout
    assert "2 generations; stored: " in text


def test_one_goes_back_and_forth(
    call: Run, platform: InMemoryPlatform, generations: tuple[str, str]
) -> None:
    earlier, live = generations
    assert json.loads(call("switch", earlier, "--json").stdout) == {"live": earlier, "before": live}
    now_live = platform.chunk_index.live()
    assert now_live is not None
    assert now_live.name == earlier
    assert f"{live} is live" in " ".join(call("switch", live).stdout.split())


def test_switching_to_what_is_live_changes_nothing(
    call: Run, platform: InMemoryPlatform, generations: tuple[str, str]
) -> None:
    _, live = generations
    assert json.loads(call("switch", live, "--json").stdout) == {"live": live, "before": live}
    now_live = platform.chunk_index.live()
    assert now_live is not None
    assert now_live.name == live


def test_an_unknown_generation_is_refused_with_those_there_are(
    call: Run, platform: InMemoryPlatform, generations: tuple[str, str]
) -> None:
    (error,) = errors(call("switch", "chunks-of-mine", status=2))
    assert error.startswith("no index generation 'chunks-of-mine' (there are: ")
    assert all(name in error for name in generations)
    live = platform.chunk_index.live()
    assert live is not None
    assert live.name == generations[1]


def test_where_nothing_is_indexed_there_is_none_to_switch_to(call: Run) -> None:
    assert errors(call("switch", "x", status=2)) == ["no index generation 'x' (there are: none)"]


def test_a_store_that_is_down_ends_the_command(call: Run, platform: InMemoryPlatform) -> None:
    platform.documents.outage = True
    done = call("status", status=1)
    assert errors(done) == ["the in-memory store is set to be unavailable"]
    assert done.stdout == ""
