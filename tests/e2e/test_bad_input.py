"""What users get wrong, and what fails around them: one line names it, the rest is kept."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from pymongo import MongoClient

from llm_engineering.infrastructure.mongo.binary import find_mongod
from tests.e2e.site import fill, put_article
from tests.e2e.workplace import Workplace, error_of
from tests.integration.crawlers.local_site import serve_site
from tests.integration.scripted_provider import Reply, scripted_provider
from tests.integration.server_processes import wait_until
from tests.loopback import free_port

NOBODY = "http://127.0.0.1:9/"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A workplace without any data yet; the tests run in their order."""
    with serve_site() as site:
        fill(site)
        yield Workplace(tmp_path_factory.mktemp("bad"), site)


@pytest.mark.parametrize(
    ("changes", "status", "named"),
    [
        ({"LLM_PROVIDER": "nobody"}, 2, "LLM_PROVIDER"),
        ({"LLM_PROVIDER": "openai", "OPENAI_API_KEY": ""}, 2, "OPENAI_API_KEY"),
        ({"DATABASE_HOST": "mongodb://127.0.0.1:9/"}, 1, "127.0.0.1:9"),
        (
            {"QDRANT_DATABASE_HOST": "127.0.0.1", "QDRANT_DATABASE_PORT": "9"},
            1,
            "Qdrant at 127.0.0.1:9 does not answer",
        ),
        ({"DATA_DIR": "/proc/nobody-writes-here"}, 2, "DATA_DIR: /proc/nobody-writes-here"),
    ],
)
def test_a_wrong_setting_is_named(
    place: Workplace, changes: dict[str, str], status: int, named: str
) -> None:
    done = place.call("tools.index", "status", **changes)
    assert done.returncode == status
    assert named in error_of(done)


@pytest.mark.parametrize(
    ("command", "text", "named"),
    [
        ("etl", "authors: [", "not YAML"),
        ("feature", "colour: red", "unknown key 'colour'"),
        ("training", "epochs: -1", "epochs: "),
        ("etl", None, "No such file"),
    ],
)
def test_a_wrong_config_file_is_named_with_its_mistake(
    place: Workplace, command: str, text: str | None, named: str
) -> None:
    path = str(place.folder / "missing.yaml") if text is None else place.config("bad.yaml", text)
    done = place.call("tools.run", command, "--config", path)
    assert done.returncode == 2
    assert error_of(done).startswith(f"{path}: {named}")


@pytest.mark.parametrize(
    ("question", "named"), [("Where?", "nothing is indexed yet"), ("  ", "the question '  '")]
)
def test_there_is_nothing_to_answer(place: Workplace, question: str, named: str) -> None:
    done = place.call("tools.rag", "ask", question)
    assert done.returncode == 2
    assert named in error_of(done)


def test_what_is_no_link_is_refused_before_anything_is_fetched(place: Workplace) -> None:
    hits = place.site.hits.total()
    config = place.site_config()
    done = place.call("tools.run", "etl", "--config", config, "--link", "javascript:alert(1)")
    assert done.returncode == 2
    assert error_of(done).startswith("not a link: 'javascript:alert(1)'")
    assert place.site.hits.total() == hits


def test_loopback_and_broken_folders_are_failures_of_their_links(place: Workplace) -> None:
    worktree = place.folder / "worktree"
    worktree.mkdir()
    (worktree / ".git").write_text("gitdir: /nowhere/main/.git/worktrees/lost\n")
    page = f"{place.site.url}/pump.html"
    links = [page, str(worktree), "/nowhere/at-all"]
    done = place.call("tools.run", "etl", *(part for link in links for part in ("--link", link)))
    assert done.returncode == 1
    loopback, broken, absent = errors(done.stderr)
    assert loopback.startswith(page)
    assert "allowed_private_hosts" in loopback
    assert broken.startswith(f"{worktree}: ")
    assert "not a git repository" in broken
    assert absent.startswith("/nowhere/at-all: no such folder")


def test_bad_pages_are_named_and_the_rest_is_kept(place: Workplace) -> None:
    reasons = put_bad_pages(place)
    links = [*reasons, f"{place.site.url}/pump.html", f"{place.site.url}/accents.html"]
    config = place.etl_config(links)
    done = place.call("tools.run", "etl", "--config", config)
    assert done.returncode == 1
    assert "WARNING" not in done.stderr
    told = dict(error.split(": ", maxsplit=1) for error in errors(done.stderr))
    assert told.keys() == reasons.keys()
    for url, reason in reasons.items():
        assert reason in told[url]

    put_article(place.site, "/gone.html", "Back again", ["The page is back, and can be read."])
    again = place.call("tools.run", "etl", "--config", config, "--json")
    assert again.returncode == 1
    rows = json.loads(again.stdout)["rows"]
    assert {row["link"] for row in rows if row["new"]} == {f"{place.site.url}/gone.html"}
    assert sum(row["unchanged"] for row in rows) == 2
    assert place.index()["documents_seen"] == 3

    found = json.loads(place.run("tools.rag", "retrieve", "café fermé à midi", "--json"))
    assert found["passages"][0]["chunk"]["title"] == "Le café", (
        "Latin-1 that calls itself UTF-8 is read right"
    )


def put_bad_pages(place: Workplace) -> dict[str, str]:
    """Returns what must be said of each bad page; puts a good one in a wrong charset, too."""
    site = place.site
    site.add("/huge.html", b"<p>" + b"word " * 12_000_000)  # 60 MB
    site.add("/image.html", b"\x89PNG", Content_Type="image/png")
    site.redirect("/there.html", "/back.html")
    site.redirect("/back.html", "/there.html")
    site.add("/empty.html", "")
    site.add("/picture.html", "<html><body><img src='a.png'></body></html>")
    accents = "<p>Le café est fermé à midi, l'été seulement, et l'on y sert du thé glacé.</p>"
    page = f"<html><head><title>Le café</title></head><body><main>{accents}</main></body></html>"
    site.add("/accents.html", page.encode("latin-1"))
    return {
        f"{site.url}/gone.html": "HTTP 404",
        f"{site.url}/huge.html": "larger than 10,000,000 bytes",
        f"{site.url}/image.html": "content type 'image/png'",
        f"{site.url}/there.html": "redirect loop",
        f"{site.url}/empty.html": "empty",
        f"{site.url}/picture.html": "no text",
        NOBODY: "refused",
        "http://no-such-host.invalid/": "not found",
    }


def errors(stderr: str) -> list[str]:
    lines = [line for line in stderr.splitlines() if line.startswith("error: ")]
    return [line.removeprefix("error: ") for line in lines]


@pytest.mark.parametrize(
    ("model", "changes", "status", "named"),
    [
        ("nobody:x", {}, 2, "'nobody:x'"),
        ("mlflow:llm@champion", {}, 2, "model 'llm' has no 'champion'"),
        (
            "mlflow:llm@champion",
            {"MLFLOW_TRACKING_URI": NOBODY},
            1,
            f"MLflow at {NOBODY}: no connection (Connection refused)",
        ),
    ],
)
def test_a_model_that_cannot_be_had_is_named(
    place: Workplace, model: str, changes: dict[str, str], status: int, named: str
) -> None:
    done = place.call("tools.rag", "ask", "Why?", "--model", model, **changes)
    assert done.returncode == status
    assert named in error_of(done)


def test_a_wrong_key_is_named_by_its_setting_and_never_shown(place: Workplace) -> None:
    key = "sk-canary-7391"
    refusal = Reply.json({"error": {"message": f"Incorrect API key provided: {key}"}}, 401)
    with scripted_provider(refusal) as provider:
        changes = {"LLM_PROVIDER": "openai", "OPENAI_API_KEY": key}
        done = place.call("tools.rag", "ask", "Why?", **changes, OPENAI_BASE_URL=provider.url)
    assert done.returncode == 0, "the passages answer where no model does"
    assert "refused the key (HTTP 401); check OPENAI_API_KEY" in " ".join(done.stderr.split())
    assert "openai:gpt-4o-mini" in done.stdout
    assert key not in done.stdout + done.stderr


def test_a_wrong_password_is_refused_and_never_shown(place: Workplace, tmp_path: Path) -> None:
    with mongod_with_password(tmp_path, "right") as host:
        done = place.call("tools.index", "status", DATABASE_HOST=f"mongodb://ada:wrong7391@{host}/")
    assert done.returncode == 2
    assert f"MongoDB at {host}: user name or password of DATABASE_HOST" in error_of(done)
    assert "7391" not in done.stdout + done.stderr


@contextmanager
def mongod_with_password(folder: Path, password: str) -> Iterator[str]:
    """Runs a server that knows the user `ada` alone; gives its `host:port`."""
    port = free_port()
    options = ("--auth", "--nounixsocket", "--bind_ip", "127.0.0.1", "--port", str(port))
    server = subprocess.Popen(
        [str(find_mongod()), "--dbpath", str(folder), *options, "--wiredTigerCacheSizeGB", "0.25"],
        stdout=subprocess.DEVNULL,
    )
    try:
        with MongoClient[dict[str, object]]("127.0.0.1", port) as client:
            client.admin.command("createUser", "ada", pwd=password, roles=["root"])
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def test_an_index_of_another_chunk_size_is_switched_to_and_moves_with_its_folder(
    place: Workplace,
) -> None:
    impossible = place.config("feature.yaml", {"chunking": {"chunk_tokens": 5000}})
    done = place.call("tools.run", "feature", "--config", impossible)
    assert done.returncode == 2
    assert "chunk_tokens: 5000 is more than the 254 tokens" in error_of(done)

    small = place.config("feature.yaml", {"chunking": {"chunk_tokens": 32, "heading_tokens": 8}})
    report = json.loads(place.run("tools.run", "feature", "--config", small, "--json"))
    assert report["switched"]
    assert report["documents_changed"] == 3
    assert report["chunks_written"] > 3
    before = status_of(place)
    live = [one["name"] for one in before["generations"] if one["live"]]
    assert live == [report["generation"]]

    moved = Workplace(place.folder / "elsewhere", place.site)
    moved.folder.mkdir()
    shutil.move(place.data, moved.data)
    assert status_of(moved) == before


def status_of(place: Workplace) -> dict[str, list[dict[str, object]]]:
    status: dict[str, list[dict[str, object]]] = json.loads(
        place.run("tools.index", "status", "--json")
    )
    return status


def documents_of(place: Workplace) -> dict[str, int]:
    counts: dict[str, int] = json.loads(place.run("tools.index", "status", "--json"))["documents"]
    return counts


def test_a_full_disk_is_named_and_with_room_the_run_completes(tmp_path: Path) -> None:
    with serve_site() as site:
        place = Workplace(tmp_path, site)
        links = []
        for n in range(4):  # 2 MB each, which do not compress well
            words = [sha256(f"{n}-{i}".encode()).hexdigest()[:12] for i in range(150_000)]
            put_article(site, f"/{n}.html", f"Page {n}", [" ".join(words)])
            links.append(f"{site.url}/{n}.html")
        config = place.etl_config(links)
        with small_disk(place.data) as grow:
            full = place.call("tools.run", "etl", "--config", config)
            assert full.returncode == 1
            assert f"the disk of {place.data / 'mongo'} is full" in error_of(full)
            grow()
            done = place.call("tools.run", "etl", "--config", config, "--json")
            assert done.returncode == 0
            rows = json.loads(done.stdout)["rows"]
            assert sum(row["new"] + row["unchanged"] for row in rows) <= len(links)
            assert documents_of(place)["articles"] == len(links), "what was stored is kept"


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[], object]]:
    """Mounts a disk of 8 MB; the function that it gives makes it larger."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, check=False).returncode:
        pytest.skip("only root can make a small disk")
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,size=300m", str(folder)], check=True)
    finally:
        wait_until(lambda: subprocess.run(["umount", str(folder)], check=False).returncode == 0)
