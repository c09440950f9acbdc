"""The pipelines as commands: what they print, and with which status they end."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from llm_engineering.application.ports.crawling import Target
from llm_engineering.domain.documents import Document
from llm_engineering.domain.errors import FetchError
from tests.platforms import InMemoryPlatform, put_pages
from tests.unit.application.crawling.scripted_crawls import HOME, page
from tests.unit.tools.conftest import Run, errors
from tools import run as commands

DOWN = FetchError(HOME, "HTTP 503", transient=True)
PROSE = "The bilge pump empties the lowest part of the hull. " * 3


@pytest.fixture
def call(run: Callable[[typer.Typer], Run]) -> Run:
    return run(commands.app)


def config(text: str, name: str = "given.yaml") -> Path:
    """Writes a file into the folder that the test runs in."""
    path = Path(name)
    path.write_text(text, "utf-8")
    return path


CRAWL = f"authors: [{{name: Ada Lovelace, links: ['{HOME}']}}]\n"


# --- etl


def test_a_crawl_ends_with_what_it_brought_and_what_to_do_next(
    call: Run, platform: InMemoryPlatform
) -> None:
    done = call("etl", "--config", config(CRAWL))
    assert done.stdout.splitlines()[-2:] == [
        "fetched 1 documents, stored 1 new or changed, 0 failed",
        "next: poe run-feature",
    ]
    assert platform.crawl.stored == {"/"}


def test_the_configuration_is_read_from_its_folder(call: Run, platform: InMemoryPlatform) -> None:
    Path("configs").mkdir()
    config(CRAWL, "configs/etl.yaml")
    call("etl")
    assert platform.crawl.stored == {"/"}


def test_links_of_the_call_stand_in_for_those_of_the_file(
    call: Run, platform: InMemoryPlatform
) -> None:
    others = ("--link", f"{HOME}one", "--link", f"{HOME}two")
    call("etl", "--config", config(CRAWL), *others)
    assert platform.crawl.stored == {"/one", "/two"}


def test_a_crawl_as_data(call: Run) -> None:
    done = call("etl", "--config", config(CRAWL), "--json")
    report = json.loads(done.stdout)
    assert report["ok"] is True
    assert [(row["link"], row["new"], row["fetched"]) for row in report["rows"]] == [(HOME, 1, 1)]


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_page_that_fails_is_named_and_the_status_says_so(
    call: Run, platform: InMemoryPlatform, flags: tuple[str, ...]
) -> None:
    platform.crawl.crawler.scripts[HOME] = DOWN
    done = call(
        "etl", "--config", config(CRAWL), "--link", HOME, "--link", f"{HOME}b", *flags, status=1
    )
    assert platform.crawl.stored == {"/b"}
    if flags:
        report = json.loads(done.stdout)
        assert report["ok"] is False
        assert [row["failed"] for row in report["rows"]] == [1, 0]
    else:
        assert errors(done) == [f"{HOME}: HTTP 503"]
        assert "stored 1 new or changed, 1 failed" in done.stdout


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("authors: [", "not YAML"),
        ("colour: red", "unknown key 'colour'"),
        ("authors: [{links: ['javascript:alert(1)']}]", "not a link"),
        ("allowed_private_hosts: ['a b']", "not a host or host:port"),
        ("limits: {concurrency: 0}", "limits.concurrency"),
    ],
)
def test_a_wrong_file_is_named_and_nothing_is_visited(
    call: Run, platform: InMemoryPlatform, text: str, named: str
) -> None:
    done = call("etl", "--config", config(text), status=2)
    (error,) = errors(done)
    assert error.startswith("given.yaml: ")
    assert named in error
    assert platform.crawl.crawler.visits == []


def test_what_is_no_link_is_refused(call: Run, platform: InMemoryPlatform) -> None:
    done = call("etl", "--config", config(CRAWL), "--link", "ftp://x.example/", status=2)
    assert "ftp://x.example/" in done.stderr
    assert platform.crawl.crawler.visits == []


def test_a_store_that_is_down_ends_a_crawl(call: Run, platform: InMemoryPlatform) -> None:
    platform.documents.outage = True
    done = call("etl", "--config", config(CRAWL), status=1)
    assert errors(done) == ["the in-memory store is set to be unavailable"]
    assert done.stdout == ""


def test_control_c_keeps_what_came_and_the_next_run_goes_on(
    call: Run, platform: InMemoryPlatform
) -> None:
    def interrupted(_: Target) -> list[Document]:
        raise KeyboardInterrupt

    links = ("--link", f"{HOME}a", "--link", f"{HOME}b")
    platform.crawl.crawler.scripts[f"{HOME}b"] = interrupted
    done = call("etl", "--config", config(CRAWL), *links, status=130)
    assert "the same command goes on from there" in done.stderr
    assert platform.crawl.stored == {"/a"}
    platform.crawl.crawler.scripts[f"{HOME}b"] = [page(f"{HOME}b")]
    call("etl", "--config", config(CRAWL), *links)
    assert platform.crawl.stored == {"/a", "/b"}


# --- etl-failures


def test_failures_are_listed_until_they_succeed(call: Run, platform: InMemoryPlatform) -> None:
    file = config(CRAWL)
    platform.crawl.crawler.scripts[HOME] = DOWN
    call("etl", "--config", file, status=1)
    listed = call("etl-failures")
    assert "HTTP 503" in listed.stdout
    assert listed.stdout.splitlines()[-2:] == [
        "1 failure of 1 link, 1 may pass",
        "next: poe etl-failures --retry",
    ]
    (letter,) = json.loads(call("etl-failures", "--json").stdout)
    assert (letter["url"], letter["reason"]) == (HOME, "HTTP 503")

    again = call("etl-failures", "--config", file, "--retry", status=1)
    assert errors(again) == [f"{HOME}: HTTP 503"]

    platform.crawl.crawler.scripts[HOME] = [page(HOME)]
    retried = call("etl-failures", "--config", file, "--retry", "--json")
    assert json.loads(retried.stdout)["rows"][0]["new"] == 1
    assert call("etl-failures").stdout.splitlines()[-1] == "next: poe run-feature"
    assert json.loads(call("etl-failures", "--json").stdout) == []


def test_listing_failures_reads_no_configuration(call: Run) -> None:
    call("etl-failures", "--config", "nowhere.yaml")
    done = call("etl-failures", "--config", "nowhere.yaml", "--retry", status=2)
    assert "nowhere.yaml: No such file" in done.stderr


# --- feature

FEATURES = "chunking: {chunk_tokens: 32, heading_tokens: 8}\n"


def test_indexing_ends_with_what_it_did(call: Run, platform: InMemoryPlatform) -> None:
    platform.documents.save(page(HOME, PROSE))
    first = call("feature", "--config", config(FEATURES))
    line, then = first.stdout.splitlines()[-2:]
    assert line.startswith("indexed 1 changed of 1 documents: ")
    assert then == 'next: poe ask "…"'
    again = json.loads(call("feature", "--config", config(FEATURES), "--json").stdout)
    assert (again["documents_changed"], again["documents_unchanged"]) == (0, 1)
    assert (again["chunks_written"], again["switched"]) == (0, False)


def test_a_document_that_cannot_be_indexed_is_named(call: Run, platform: InMemoryPlatform) -> None:
    platform.documents.save(page(HOME, PROSE))
    platform.documents.save(page(f"{HOME}bad", PROSE.upper()))
    lose_revision(platform, f"{HOME}bad")
    done = call("feature", "--config", config(FEATURES), status=1)
    (error,) = errors(done)
    assert error.startswith("document ")
    assert "has no revision" in error
    assert "indexed 2 changed of 2 documents" in done.stdout
    data = json.loads(call("feature", "--config", config(FEATURES), "--json", status=1).stdout)
    assert len(data["failed"]) == 1


def lose_revision(platform: InMemoryPlatform, url: str) -> None:
    """Takes the content of a document away, as a half restored backup does."""
    document = next(one for one in platform.documents.documents() if one.url == url)
    del platform.documents._revisions[document.id][document.revision]


@pytest.mark.parametrize(
    "arguments",
    [("--workers", "0"), ("--workers", "4097"), ("--workers", "x"), ("--engine", "spark")],
)
def test_wrong_options_are_refused(
    call: Run, platform: InMemoryPlatform, arguments: tuple[str, str]
) -> None:
    done = call("feature", *arguments, status=2)
    assert arguments[0] in done.stderr
    assert platform.chunk_index.live() is None


def test_chunks_that_the_model_cannot_read_are_refused(
    call: Run, platform: InMemoryPlatform
) -> None:
    done = call("feature", "--config", config("chunking: {chunk_tokens: 400}"), status=2)
    assert "400" in done.stderr
    assert platform.chunk_index.generations() == []


def test_the_index_is_untouched_by_an_outage(call: Run, platform: InMemoryPlatform) -> None:
    platform.documents.save(page(HOME, PROSE))
    call("feature", "--config", config(FEATURES))
    live = platform.chunk_index.live()
    assert live is not None
    chunks = platform.chunk_index.count(live)
    platform.documents.outage = True
    call("feature", "--config", config(FEATURES), status=1)
    assert platform.chunk_index.live() == live
    assert platform.chunk_index.count(live) == chunks


# --- training


def test_training_ends_with_where_the_model_is(call: Run, platform: InMemoryPlatform) -> None:
    put_pages(platform)
    done = call("training", "--config", config("samples: 10"))
    line, then = done.stdout.splitlines()[-2:]
    assert "held-out loss 3.100 -> 2.100; llm version 1" in line
    assert then == 'next: poe ask --model mlflow:llm@champion "…"'
    assert platform.registry.get("llm", "champion").version == 1


def test_a_model_that_is_no_better_is_kept_but_not_promoted(
    call: Run, platform: InMemoryPlatform
) -> None:
    put_pages(platform)
    call("training", "--config", config("samples: 10"))
    platform.scripted_trainer.after = 3.2
    worse = json.loads(
        call("training", "--config", config("samples: 10"), "--json", status=1).stdout
    )
    assert (worse["version"], worse["promoted"]) == (2, False)
    assert platform.registry.get("llm", "champion").version == 1


def test_training_without_an_index_says_what_to_type(call: Run) -> None:
    done = call("training", "--config", config("samples: 10"), status=2)
    assert "poe run-etl" in done.stderr


# --- serve


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """The command lines and environments of the processes that commands become."""
    became: list[tuple[list[str], dict[str, str]]] = []

    def execve(path: str, arguments: list[str], environment: dict[str, str]) -> None:
        assert path == sys.executable
        became.append((arguments, environment))

    monkeypatch.setattr(os, "execve", execve)
    return became


def test_serving_waits_where_nothing_is_indexed_yet(
    call: Run, served: list[tuple[list[str], dict[str, str]]]
) -> None:
    done = call("serve")
    assert done.stdout.splitlines()[0] == "serving on http://127.0.0.1:3000"
    ((arguments, environment),) = served
    assert arguments[1:4] == ["-m", "bentoml", "serve"]
    options = dict(zip(arguments[5::2], arguments[6::2], strict=True))
    assert (options["--host"], options["--port"]) == ("127.0.0.1", "3000")
    longest = 60  # seconds that the usual load balancer keeps a connection
    assert int(options["--timeout-keep-alive"]) > longest
    assert environment["BENTOML_DO_NOT_TRACK"] == "True"


def test_each_port_has_a_folder_of_its_own(
    call: Run, served: list[tuple[list[str], dict[str, str]]]
) -> None:
    for port in ("4001", "4002"):
        done = call("serve", "--host", "10.0.0.7", "--port", port)
        assert f"open http://10.0.0.7:{port}/ui" in done.stdout
    homes = [Path(environment["BENTOML_HOME"]) for _, environment in served]
    assert [home.name for home in homes] == ["4001", "4002"]
    assert all(home.is_dir() for home in homes)


def test_what_the_environment_says_of_bentoml_wins(
    call: Run,
    served: list[tuple[list[str], dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "mine"))
    call("serve")
    assert served[0][1]["BENTOML_HOME"] == str(tmp_path / "mine")


def test_an_index_of_another_model_is_not_served(
    call: Run, platform: InMemoryPlatform, served: list[tuple[list[str], dict[str, str]]]
) -> None:
    platform.documents.save(page(HOME, PROSE))
    call("feature", "--config", config(FEATURES))
    platform.embedding_model = type(platform.embedding_model)(dimension=16)  # type: ignore[call-arg]
    done = call("serve", status=2)
    assert "was embedded by another model" in done.stderr
    assert served == []


# --- the command line itself


@pytest.mark.parametrize(
    "arguments", [("fetch",), ("etl", "--colour", "red"), ("serve", "--port", "x")]
)
def test_what_no_command_takes_is_refused(call: Run, arguments: tuple[str, ...]) -> None:
    done = call(*arguments, status=2)
    assert arguments[-2 if len(arguments) > 1 else 0].lstrip("-") in done.stderr


def test_help_names_every_command(call: Run) -> None:
    text = call("--help").stdout
    assert all(name in text for name in ("etl", "etl-failures", "feature", "training", "serve"))
