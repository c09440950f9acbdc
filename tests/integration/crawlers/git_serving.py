"""Real repositories, served by git's own HTTP program, and the crawler that reads them."""

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from llm_engineering.application.ports.crawling import Target
from llm_engineering.domain.documents import RepositoryDocument
from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.git import Git, GitLimits
from llm_engineering.infrastructure.crawlers.repository import RepositoryCrawler

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
COMMITTED = datetime(2024, 5, 1, 8, tzinfo=UTC)


READ = ["README.md", "Makefile", "höhe.txt", "latin.txt", "a/first.py", "docs/README.md"]


def git(folder: Path, *arguments: str, author: str = "Ada Lovelace") -> None:
    values = {"NAME": author, "EMAIL": "a@example.org", "DATE": COMMITTED.isoformat()}
    roles = ("AUTHOR", "COMMITTER")
    who = {f"GIT_{role}_{what}": value for role in roles for what, value in values.items()}
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(
        ["git", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        env=os.environ | who | quiet,
    )


def plumbing(folder: Path, *arguments: str, given: bytes = b"") -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, input=given, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def through_git(root: Path, method: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def respond(request: BaseHTTPRequestHandler) -> None:
        path, _, query = request.path.partition("?")
        size = int(request.headers.get("Content-Length") or 0)
        variables = {
            **{"GIT_PROJECT_ROOT": str(root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path},
            **{"REQUEST_METHOD": method, "QUERY_STRING": query, "CONTENT_LENGTH": str(size)},
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        body = request.rfile.read(size)
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, check=True,
            env=os.environ | variables,
        )  # fmt: skip
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        request.send_response_only(200)
        for line in head.decode().splitlines():
            name, _, value = line.partition(": ")
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return respond


def crawler_with(
    tmp_path: Path, policy: AddressPolicy, limits: GitLimits = GitLimits()
) -> RepositoryCrawler:
    workdir = tmp_path / "clones"
    workdir.mkdir(exist_ok=True)
    return RepositoryCrawler(policy, Git(limits), workdir, lambda: NOON, max_file_bytes=10_000)


def documents_of(crawler: RepositoryCrawler, link: Target) -> list[RepositoryDocument]:
    _, *items = crawler.visit(link)
    documents = [item for item in items if isinstance(item, RepositoryDocument)]
    assert len(documents) == len(items), items
    return documents


def only_error(crawler: RepositoryCrawler, url: str) -> FetchError:
    (error,) = crawler.visit(Target(url=url))
    assert isinstance(error, FetchError)
    assert error.url == url
    assert "\n" not in str(error)
    return error
