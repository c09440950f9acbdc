"""Repositories of an owner on GitHub."""

import json
from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest

from llm_engineering.application.ports.crawling import Target, Visited
from llm_engineering.domain.errors import ExtractionError, FetchError, PageGone
from llm_engineering.infrastructure.crawlers.github import GitHubOwnerCrawler, owner_of
from tests.unit.infrastructure.crawlers.scripted_web import ScriptedWeb

URL = "https://github.com/sea"
CANARY = "canary"
API = "https://api.github.com/users/sea/repos?per_page=100&sort=pushed&page={}"


def repository(name: str, **more: object) -> dict[str, object]:
    return {"full_name": name, "fork": False, "archived": False, **more}


def page(*repositories: object) -> bytes:
    return json.dumps(repositories).encode()


def crawled(web: ScriptedWeb, target: Target = Target(url=URL)) -> Sequence[object]:
    visited, *found = GitHubOwnerCrawler(web).visit(target)
    assert visited == Visited(url=target.url)
    return found


@pytest.mark.parametrize(
    ("url", "owner"),
    [
        ("https://github.com/sea", "sea"),
        ("https://www.github.com/sea-2/", "sea-2"),
        ("https://github.com/sea?tab=repositories", "sea"),
        ("https://github.com/orgs/sea/repositories", "sea"),
        ("https://github.com/orgs/sea", "sea"),
        ("https://github.com/", None),
        ("https://github.com/sea/tides", None),
        ("https://github.com/features", None),
        ("https://github.com/-x", None),
        ("https://github.com/a%2fb", None),
        ("https://github.com/" + "a" * 40, None),
        ("https://gist.github.com/sea", None),
        ("https://github.com.evil.example/sea", None),
        ("https://github.com@evil.example/sea", None),
        ("https://gitlab.com/sea", None),
    ],
)
def test_who_a_link_means(url: str, owner: str | None) -> None:
    assert owner_of(urlsplit(url)) == owner


def test_repositories_are_named_without_forks_and_archived_ones() -> None:
    web = ScriptedWeb(
        {
            API.format(1): page(
                repository("sea/tides"),
                repository("sea/fork", fork=True),
                repository("sea/old", archived=True),
                repository("sea/moon.js"),
            )
        }
    )
    tides, moon = crawled(web, Target(url=URL, author="Ada Lovelace", max_pages=7))
    assert tides == Target(
        url="https://github.com/sea/tides",
        author="Ada Lovelace",
        max_pages=7,
        listed=True,
        found_on=URL,
    )
    assert isinstance(moon, Target)
    assert moon.url == "https://github.com/sea/moon.js"


def test_pages_are_read_until_one_is_not_full() -> None:
    full = [repository(f"sea/r{number}") for number in range(100)]
    web = ScriptedWeb(
        {API.format(1): page(*full), API.format(2): page(*full[:99]), API.format(3): page()}
    )
    assert len(crawled(web)) == 199
    assert web.asked == [API.format(1), API.format(2)]


def test_an_owner_without_repositories_names_none() -> None:
    assert crawled(ScriptedWeb({API.format(1): b"[]"})) == []


def test_an_owner_that_is_not_there_is_gone() -> None:
    with pytest.raises(PageGone):
        crawled(ScriptedWeb({}))


def test_an_outage_in_between_is_an_error_and_no_short_list() -> None:
    full = [repository(f"sea/r{number}") for number in range(100)]
    down = FetchError(API.format(2), "HTTP 502", transient=True)
    with pytest.raises(FetchError, match="502"):
        crawled(ScriptedWeb({API.format(1): page(*full), API.format(2): down}))


@pytest.mark.parametrize("body", [b"{}", b"[7]", b"<html>", b"", b"[" * 100_000])
def test_another_answer_is_an_error(body: bytes) -> None:
    with pytest.raises(ExtractionError, match="does not give a list of repositories"):
        crawled(ScriptedWeb({API.format(1): body}))


@pytest.mark.parametrize("name", ["--upload-pack=x", "a/b/c", "a/../b", "file:///etc", "", None])
def test_a_name_that_is_none_leads_nowhere(name: str | None) -> None:
    (error,) = crawled(ScriptedWeb({API.format(1): page({"full_name": name})}))
    assert isinstance(error, ExtractionError)


def test_a_token_is_sent_to_the_api() -> None:
    web = ScriptedWeb({API.format(1): b"[]"})
    list(GitHubOwnerCrawler(web, token=CANARY).visit(Target(url=URL)))
    list(GitHubOwnerCrawler(web).visit(Target(url=URL)))
    assert web.authorizations == {"Bearer canary", None}
