"""Which crawlers need a browser, and that they do not share one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from llm_engineering.application.crawling.dispatcher import CrawlerDispatcher
from llm_engineering.application.crawling.sites import BROWSER, start_of
from llm_engineering.application.ports.browsing import RenderedPage
from llm_engineering.application.ports.crawling import Link, Target, Visited
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.errors import FetchError, PageGone
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.browsing import (
    Browsing,
    BrowsingCrawlers,
    Resolve,
    make_browsing_crawlers,
)
from llm_engineering.infrastructure.crawlers.linkedin_session import LinkedInAccount
from llm_engineering.infrastructure.crawlers.rendering import RenderingFetcher
from llm_engineering.infrastructure.in_memory.browser import InMemoryBrowser
from tests.unit.infrastructure.crawlers.scripted_web import ScriptedWeb

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MADE = (
    "<html lang='en'><head><title>Made by a script</title></head><body><main><h1>Made</h1>"
    + "<p>These sentences were written by a script, and there are enough of them to read.</p>" * 5
    + "<a href='/next'>next</a></main></body></html>"
)
SKY = "https://sky.example/made"
MEMBER = "https://www.linkedin.com/in/ada"


def loopback(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


class Made:
    """The crawlers, and the browsers that they were given."""

    def __init__(
        self,
        account: LinkedInAccount | None = None,
        *,
        has_login: bool = False,
        shown: RenderedPage = RenderedPage(url=SKY, html=MADE, status=200),
    ) -> None:
        self.browsers: list[InMemoryBrowser] = []
        self.reach: list[Resolve] = []
        self.profiles: list[Path | None] = []

        def make(resolve: Resolve, profile: Path | None) -> InMemoryBrowser:
            self.reach.append(resolve)
            self.profiles.append(profile)
            refused = RenderedPage(url=MEMBER, html="<p>x", status=999)
            self.browsers.append(InMemoryBrowser({SKY: shown, MEMBER: refused}))
            return self.browsers[-1]

        self.policy = AddressPolicy(resolve=loopback)
        self.crawlers: BrowsingCrawlers = make_browsing_crawlers(
            Browsing(make, Path("/kept"), account, has_login),
            self.policy,
            ScriptedWeb({MEMBER: b"<p>Join to view full profile"}),
            lambda: NOW,
        )
        self.dispatcher = CrawlerDispatcher(self.crawlers.routes)


def test_linkedin_has_a_browser_of_its_own_with_its_profile() -> None:
    made = Made()
    assert made.profiles == [None, Path("/kept")]
    assert made.browsers[0] is not made.browsers[1]


def test_browsers_reach_what_the_policy_allows_and_nothing_else() -> None:
    resolve: Resolve = Made().reach[0]
    with pytest.raises(FetchError, match="not a public address"):
        found: Sequence[str] = resolve("rebind.test", 80)
        assert found == []


def test_a_link_says_that_it_needs_a_browser() -> None:
    made = Made()
    start = start_of(Link(url=SKY, browser=True, depth=1))
    assert start.via == BROWSER
    visited, article, linked = list(made.dispatcher.route_of(start).crawler.visit(start))
    assert isinstance(visited, Visited)
    assert isinstance(article, ArticleDocument)
    assert "written by a script" in article.content
    assert isinstance(linked, Target)
    assert (linked.url, linked.via, linked.depth) == ("https://sky.example/next", BROWSER, 0)
    assert made.browsers[0].opened == [SKY]
    assert made.browsers[1].opened == []


def test_linkedin_is_taken_by_its_host() -> None:
    route = Made().dispatcher.route_of(Target(url="https://de.linkedin.com/in/ada"))
    assert (route.name, route.polite, route.at_once) == ("linkedin", False, 1)


def test_without_a_login_linkedin_starts_no_browser() -> None:
    made = Made()
    target = Target(url=MEMBER)
    with pytest.raises(FetchError, match="LINKEDIN_USERNAME"):
        list(made.dispatcher.route_of(target).crawler.visit(target))
    assert made.browsers[1].opened == []


@pytest.mark.parametrize(
    "made",
    [Made(LinkedInAccount("ada", SecretStr("word"))), Made(has_login=True)],
    ids=["account", "profile"],
)
def test_an_account_or_a_profile_opens_the_browser(made: Made) -> None:
    target = Target(url=MEMBER)
    with pytest.raises(FetchError):  # the page that it shows holds no profile
        list(made.dispatcher.route_of(target).crawler.visit(target))
    assert made.browsers[1].opened == [target.url]


def test_closing_ends_both_browsers() -> None:
    made = Made()
    made.crawlers.close()
    assert [browser.closed for browser in made.browsers] == [True, True]


@pytest.mark.parametrize(("status", "transient"), [(403, False), (503, True), (429, True)])
def test_a_refusing_status_is_a_failure(status: int, transient: bool) -> None:
    browser = Made(shown=RenderedPage(url=SKY, html="<p>no", status=status)).browsers[0]
    with pytest.raises(FetchError, match=f"HTTP {status}") as failure:
        RenderingFetcher(browser).fetch(SKY)
    assert failure.value.transient is transient


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_not_there_is_gone(status: int) -> None:
    browser = Made(shown=RenderedPage(url=SKY, html="<p>no", status=status)).browsers[0]
    with pytest.raises(PageGone):
        RenderingFetcher(browser).fetch(SKY)
