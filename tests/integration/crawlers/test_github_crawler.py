"""The API of GitHub, as served by a real HTTP server: limits, tokens and redirects."""

import json
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler

import pytest

from llm_engineering.application.ports.crawling import Finding, Target
from llm_engineering.domain.errors import FetchError, PageGone
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.fetcher import Fetcher, FetchLimits
from llm_engineering.infrastructure.crawlers.github import GitHubOwnerCrawler
from tests.integration.crawlers.local_site import LocalSite, answer

PATH = "/users/sea/repos"
CANARY = "canary"
JSON = {"Content_Type": "application/json; charset=utf-8"}


@pytest.fixture
def crawler(site: LocalSite) -> Iterator[GitHubOwnerCrawler]:
    limits = FetchLimits(deadline_s=5, first_delay_s=0.01)
    with Fetcher(AddressPolicy(frozenset({site.host})), limits) as fetcher:
        yield GitHubOwnerCrawler(fetcher, site.url, token=CANARY)


def visit(crawler: GitHubOwnerCrawler) -> Sequence[Finding]:
    return list(crawler.visit(Target(url="https://github.com/sea")))


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_that_is_used_up_says_until_when(
    site: LocalSite, crawler: GitHubOwnerCrawler, status: int
) -> None:
    used_up = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1796000000"}
    site.pages[PATH] = answer(b"{}", used_up, status)
    with pytest.raises(FetchError) as failed:
        visit(crawler)
    assert failed.value.transient
    assert "the limit of requests is used up until 2026-11-30" in failed.value.reason


@pytest.mark.parametrize("headers", [{}, {"X_RateLimit_Remaining": "7"}])
def test_any_other_refusal_is_permanent(
    site: LocalSite, crawler: GitHubOwnerCrawler, headers: dict[str, str]
) -> None:
    site.pages[PATH] = answer(b"{}", headers, 403)
    with pytest.raises(FetchError) as failed:
        visit(crawler)
    assert (failed.value.reason, failed.value.transient) == ("HTTP 403 Forbidden", False)


def test_nobody_of_that_name(crawler: GitHubOwnerCrawler) -> None:
    with pytest.raises(PageGone):
        visit(crawler)


def test_the_token_goes_to_the_api_and_not_where_it_redirects(
    site: LocalSite, crawler: GitHubOwnerCrawler
) -> None:
    tokens = []

    def redirect(request: BaseHTTPRequestHandler) -> None:
        tokens.append(request.headers.get("Authorization"))
        answer(b"", {"Location": "/elsewhere"}, 302)(request)

    def elsewhere(request: BaseHTTPRequestHandler) -> None:
        tokens.append(request.headers.get("Authorization"))
        answer(json.dumps([{"full_name": "sea/tides"}]), JSON)(request)

    site.pages[PATH] = redirect
    site.pages["/elsewhere"] = elsewhere
    *_, target = visit(crawler)
    assert isinstance(target, Target)
    assert target.url == "https://github.com/sea/tides"
    assert tokens == [f"Bearer {CANARY}", None]
