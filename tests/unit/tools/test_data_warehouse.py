"""`poe export-data-warehouse` and `import-data-warehouse`, over a store in memory."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from llm_engineering.application.corpus.forgetting import Request
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from tests.documents import make_article, make_file, make_post
from tests.platforms import InMemoryPlatform
from tests.unit.tools.conftest import Run, errors
from tools.data_warehouse import app

ARTICLE = make_article("Water comes and goes.", url="https://example.org/tides")
DOCUMENTS = (ARTICLE, make_post("A short note."), make_file("print('ahoy')"))


@pytest.fixture
def call(run: Callable[[typer.Typer], Run], platform: InMemoryPlatform) -> Run:
    for one in DOCUMENTS:
        platform.documents.save(one)
    return run(app)


def emptied(platform: InMemoryPlatform) -> InMemoryDocumentStore:
    platform.documents = InMemoryDocumentStore()
    platform.document_store = platform.documents
    return platform.documents


def contents(platform: InMemoryPlatform) -> dict[str, str]:
    return {one.url: one.content for one in platform.documents.documents()}


def test_what_is_written_comes_back_into_an_empty_store(
    call: Run, platform: InMemoryPlatform, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    wrote = call("export", "--dir", folder)
    assert f"to {folder}" in wrote.stdout.replace("\n", "")
    assert f"next: poe import-data-warehouse --dir {folder}" in wrote.stdout
    before = contents(platform)
    emptied(platform)
    done = call("import", "--dir", folder)
    assert "imported 3 new, 0 changed, 0 unchanged" in done.stdout
    assert contents(platform) == before


def test_importing_twice_changes_nothing(call: Run, platform: InMemoryPlatform) -> None:
    call("export")
    report = json.loads(call("import", "--json").stdout)
    assert (report["new"], report["changed"], report["unchanged"]) == (0, 0, 3)
    assert (platform.folder("data-warehouse")).is_dir()


def test_the_export_as_data_counts_each_class(call: Run) -> None:
    report = json.loads(call("export", "--json").stdout)
    assert sorted(report["records"].values(), reverse=True)[:3] == [1, 1, 1]


def test_what_was_forgotten_stays_out_unless_it_is_asked_for(
    call: Run, platform: InMemoryPlatform
) -> None:
    call("export")
    platform.forgetting().forget(Request(ARTICLE.url, None, None))
    kept_out = json.loads(call("import", "--json").stdout)
    assert (kept_out["forgotten"], ARTICLE.url in contents(platform)) == (1, False)
    brought_back = json.loads(call("import", "--restore-forgotten", "--json").stdout)
    assert (brought_back["restored"], ARTICLE.url in contents(platform)) == (1, True)
    assert platform.documents.tombstones() == []


def test_records_that_cannot_be_read_are_named_and_the_rest_is_taken(
    call: Run, platform: InMemoryPlatform
) -> None:
    call("export")
    files = sorted(platform.folder("data-warehouse").glob("*.json"))
    spoiled = next(file for file in files if "Article" in file.name)
    records = json.loads(spoiled.read_text("utf-8"))
    spoiled.write_text(json.dumps([*records, {"title": "of nothing"}]), "utf-8")
    emptied(platform)
    done = call("import", status=1)
    assert len(errors(done)) == 1
    assert spoiled.name in errors(done)[0]
    assert "1 refused" in done.stdout
    assert len(contents(platform)) == len(DOCUMENTS)


def test_a_folder_without_such_files_is_no_empty_import(
    call: Run, platform: InMemoryPlatform, tmp_path: Path
) -> None:
    before = contents(platform)
    done = call("import", "--dir", tmp_path / "nowhere", status=2)
    assert str(tmp_path / "nowhere") in errors(done)[0]
    assert contents(platform) == before


def test_a_store_that_is_down_ends_it(call: Run, platform: InMemoryPlatform) -> None:
    platform.documents.outage = True
    done = call("export", status=1)
    assert errors(done) == ["the in-memory store is set to be unavailable"]
