"""`poe forget` over stores in memory: what it counts, deletes, proves and refuses."""

import json
from collections.abc import Callable

import pytest
import typer

from llm_engineering.domain.ids import document_id
from tests.platforms import PAGES, InMemoryPlatform, put_pages
from tests.unit.tools.conftest import Run, errors
from tools.forget import app

PUMP = "https://example.org/pump"


@pytest.fixture
def call(run: Callable[[typer.Typer], Run], platform: InMemoryPlatform) -> Run:
    put_pages(platform)
    return run(app)


def urls(platform: InMemoryPlatform) -> set[str]:
    return {one.url for one in platform.documents.documents()}


def indexed(platform: InMemoryPlatform) -> set[str]:
    live = platform.chunk_index.live()
    assert live is not None
    return {chunk.url for chunk in platform.chunk_index.scroll(live)}


@pytest.mark.parametrize(
    ("option", "value"), [("--url", PUMP), ("--document", str(document_id(PUMP)))]
)
def test_a_page_is_gone_everywhere_and_kept_out(
    call: Run, platform: InMemoryPlatform, option: str, value: str
) -> None:
    done = call(option, value)
    assert "forgot 1 documents" in done.stdout
    assert "next: poe run-etl" in done.stdout
    assert PUMP not in urls(platform) | indexed(platform)
    assert len(urls(platform)) == len(PAGES) - 1
    put_pages(platform)
    assert PUMP not in urls(platform) | indexed(platform)


def test_all_that_an_author_wrote_goes(call: Run, platform: InMemoryPlatform) -> None:
    report = json.loads(call("--author", "ada lovelace", "--json").stdout)
    assert report["complete"] is True
    assert len(report["documents"]) == len(PAGES)
    assert urls(platform) == indexed(platform) == set()


@pytest.mark.parametrize("flags", [("--dry-run",), ("--dry-run", "--json")])
def test_a_dry_run_counts_and_deletes_nothing(
    call: Run, platform: InMemoryPlatform, flags: tuple[str, ...]
) -> None:
    done = call("--author", "Ada Lovelace", *flags)
    assert urls(platform) == indexed(platform) == {f"https://example.org/{one}" for one in PAGES}
    assert platform.documents.tombstones() == []
    if "--json" not in flags:
        assert f"would forget {len(PAGES)} documents" in done.stdout
        assert "next: the same without --dry-run" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--url", " "),
        ("--author", ""),
        ("--url", PUMP, "--author", "Ada Lovelace"),
        ("--url", PUMP, "--document", str(document_id(PUMP))),
    ],
)
def test_exactly_one_thing_is_forgotten_at_a_time(
    call: Run, platform: InMemoryPlatform, arguments: tuple[str, ...]
) -> None:
    before = urls(platform)
    assert errors(call(*arguments, status=2)) == [
        "give one of --url URL, --author NAME, --document ID"
    ]
    assert urls(platform) == before


@pytest.mark.parametrize("document", ["pump", "1234", "g" * 32])
def test_what_is_no_id_is_refused(call: Run, document: str) -> None:
    (error,) = errors(call("--document", document, status=2))
    assert error == f"--document {document!r} is no id (allowed: 32 hexadecimal digits)"


def test_an_address_that_was_never_crawled_is_kept_out_from_now_on(
    call: Run, platform: InMemoryPlatform
) -> None:
    done = call("--url", "https://example.org/never")
    assert "forgot 1 documents with 0 records; 1 tombstones keep them out" in done.stdout
    (tombstone,) = platform.documents.tombstones()
    assert tombstone.id == document_id("https://example.org/never")


def test_a_store_that_is_down_is_no_proof(call: Run, platform: InMemoryPlatform) -> None:
    platform.documents.outage = True
    done = call("--url", PUMP, status=1)
    assert errors(done) == ["the in-memory store is set to be unavailable"]
    assert "forgot" not in done.stdout
    platform.documents.outage = False
    assert PUMP in urls(platform)
