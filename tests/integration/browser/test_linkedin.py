"""The LinkedIn crawler in real Chromium, on a LinkedIn of our own."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from llm_engineering.application.ports.crawling import Finding, Target
from llm_engineering.domain.documents import ArticleDocument, PostDocument
from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.browser.driver import BrowserDriver
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.fetcher import Fetcher
from llm_engineering.infrastructure.crawlers.linkedin import LinkedInCrawler
from llm_engineering.infrastructure.crawlers.linkedin_session import (
    LinkedInAccount,
    LinkedInSession,
    Pace,
)
from tests.integration.crawlers.fake_linkedin import (
    CHECKED,
    PASSWORD,
    POSTS,
    USERNAME,
    FakeLinkedIn,
    post_url,
)
from tests.integration.crawlers.local_site import LocalSite

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def linkedin(site: LocalSite) -> FakeLinkedIn:
    return FakeLinkedIn(site)


@pytest.fixture
def fetcher(site: LocalSite) -> Iterator[Fetcher]:
    with Fetcher(AddressPolicy(frozenset({site.host}))) as made:
        yield made


def crawler(
    browser: BrowserDriver,
    fetcher: Fetcher,
    site: LocalSite,
    username: str | None = None,
    password: str = PASSWORD,
) -> LinkedInCrawler:
    account = LinkedInAccount(username, SecretStr(password)) if username else None
    pace = Pace(0.0, time.monotonic, time.sleep)
    session = LinkedInSession(browser, account, pace, origin=site.url)
    return LinkedInCrawler(fetcher, session, lambda: NOW, logged_in=account is not None)


def findings(crawler: LinkedInCrawler, url: str) -> list[Finding]:
    return list(crawler.visit(Target(url=url)))


def test_a_member_reads_a_profile_its_posts_and_their_articles(
    browser: BrowserDriver, fetcher: Fetcher, site: LocalSite, linkedin: FakeLinkedIn
) -> None:
    reads = crawler(browser, fetcher, site, USERNAME)
    _, profile, activity = findings(reads, f"{site.url}/in/ada-example/")
    assert isinstance(profile, ArticleDocument)
    assert profile.title == profile.author_full_name == "Ada Example"
    assert "## Experience\n\n### Engineer, Loom Works" in profile.content
    assert isinstance(activity, Target)
    assert activity.url == f"{site.url}/in/ada-example/recent-activity/all/"

    _, *found = list(reads.visit(activity))
    posts = [each for each in found if isinstance(each, PostDocument)]
    articles = [each.url for each in found if isinstance(each, Target)]
    assert [post.url for post in posts] == [post_url(number) for number in range(POSTS)]
    assert posts[0].content == "First post\n\nwith two paragraphs"
    assert posts[0].image == "https://media.example/large/loom.png"
    assert posts[POSTS - 1].content == f"Post {POSTS - 1}\nSecond line of {POSTS - 1}."
    assert posts[POSTS - 1].image == f"https://media.example/{POSTS - 1}.png"
    assert {post.author_full_name for post in posts} == {"Ada Example"}
    assert all(post.published and post.published.year == 2023 for post in posts)
    assert articles == [f"{site.url}/pulse/on-looms"]
    assert linkedin.logins == [USERNAME], "logged in once"


def test_a_guest_reads_an_article_without_a_browser(
    browser: BrowserDriver, fetcher: Fetcher, site: LocalSite, linkedin: FakeLinkedIn
) -> None:
    _, article = findings(crawler(browser, fetcher, site), f"{site.url}/pulse/on-looms")
    assert isinstance(article, ArticleDocument)
    assert article.title == "On looms"
    assert "cards" in article.content
    assert site.hits["/pulse/on-looms"] == 1


def test_a_guest_is_told_that_a_profile_needs_a_log_in(
    browser: BrowserDriver, fetcher: Fetcher, site: LocalSite, linkedin: FakeLinkedIn
) -> None:
    with pytest.raises(FetchError, match="LINKEDIN_USERNAME and LINKEDIN_PASSWORD") as wall:
        findings(crawler(browser, fetcher, site), f"{site.url}/in/ada-example/")
    assert not wall.value.transient
    assert linkedin.logins == []


def test_a_wrong_password_is_tried_once_and_named(
    browser: BrowserDriver, fetcher: Fetcher, site: LocalSite, linkedin: FakeLinkedIn
) -> None:
    reads = crawler(browser, fetcher, site, USERNAME, "wrong")
    for _ in range(2):
        with pytest.raises(FetchError, match="check LINKEDIN_USERNAME, LINKEDIN_PASSWORD") as error:
            findings(reads, f"{site.url}/in/ada-example/")
        assert not error.value.transient
        assert "wrong" not in str(error.value)
    assert linkedin.logins == [USERNAME]


def test_a_security_check_is_told(
    browser: BrowserDriver, fetcher: Fetcher, site: LocalSite, linkedin: FakeLinkedIn
) -> None:
    with pytest.raises(FetchError, match=r"security check.*LINKEDIN_BROWSER_PROFILE"):
        findings(crawler(browser, fetcher, site, CHECKED), f"{site.url}/in/ada-example/")


def test_a_refusal_is_told(
    browser: BrowserDriver, fetcher: Fetcher, site: LocalSite, linkedin: FakeLinkedIn
) -> None:
    with pytest.raises(FetchError, match="HTTP 999"):
        findings(crawler(browser, fetcher, site), f"{site.url}/posts/refused")


def test_what_members_may_not_see_is_no_content(
    browser: BrowserDriver, fetcher: Fetcher, site: LocalSite, linkedin: FakeLinkedIn
) -> None:
    with pytest.raises(FetchError, match="asks for a log-in"):
        findings(crawler(browser, fetcher, site, USERNAME), f"{site.url}/in/nobody/")
