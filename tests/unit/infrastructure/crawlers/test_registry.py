from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from llm_engineering.application.crawling.sites import start_of
from llm_engineering.application.ports.crawling import Link, Target
from llm_engineering.infrastructure.crawlers.article import ArticleCrawler
from llm_engineering.infrastructure.crawlers.registry import (
    Crawling,
    is_repository,
    make_crawling,
)
from llm_engineering.infrastructure.crawlers.repository import RepositoryCrawler

REPOSITORIES = [
    *("https://github.com/pandas-dev/pandas", "https://www.github.com/pandas-dev/pandas/"),
    *("https://gitlab.com/inkscape/inkscape", "https://example.org/any/where.git"),
]
FOLDERS = ["file:///home/ada/tides", "/home/ada/tides", ".", "papers/tides.pdf"]
LISTS = {
    "https://example.org/feed/": "feed",
    "https://example.org/rss.xml": "feed",
    "https://example.org/sitemap.xml": "sitemap",
    "https://example.org/sitemap-posts.xml.gz": "sitemap",
}
PAGES = [
    *("https://github.com.evil.org/a/b", "https://evil.org/github.com/a", "https://github.com/"),
    *("https://github.com@evil.org/a/b", "https://github.com/features", "https://example.org/a"),
    *(
        "https://github.com/a/b/issues/1",
        "https://github.com/topics/rag",
        "https://xgithub.com/a/b",
    ),
]


@pytest.mark.parametrize("url", REPOSITORIES)
def test_repositories_are_recognised(url: str) -> None:
    assert is_repository(urlsplit(url))


@pytest.mark.parametrize("url", PAGES)
def test_look_alikes_and_pages_of_forges_are_not_repositories(url: str) -> None:
    assert not is_repository(urlsplit(url))


@pytest.fixture
def crawling(tmp_path: Path) -> Iterator[Crawling]:
    made = make_crawling(
        allowed_private_hosts=["127.0.0.1:8765"],
        workdir=tmp_path,
        clock=lambda: datetime(2026, 11, 22, tzinfo=UTC),
    )
    yield made
    made.close()


@pytest.mark.parametrize("url", REPOSITORIES)
def test_repositories_go_to_their_crawler(crawling: Crawling, url: str) -> None:
    route = crawling.dispatcher.route_of(Target(url=url))
    assert isinstance(route.crawler, RepositoryCrawler)
    assert not route.polite, "a clone is no visit of pages"


@pytest.mark.parametrize("url", PAGES)
def test_look_alikes_are_read_as_pages(crawling: Crawling, url: str) -> None:
    route = crawling.dispatcher.route_of(Target(url=url))
    assert isinstance(route.crawler, ArticleCrawler)
    assert route.polite


def test_sitemaps_are_reached_by_name(crawling: Crawling) -> None:
    for link in (Link(url="https://a.org/", sitemap=True), Link(url="https://a.org/s.xml")):
        start = start_of(link.model_copy(update={"sitemap": True}))
        assert crawling.dispatcher.route_of(start).complete


@pytest.mark.parametrize("url", FOLDERS)
def test_links_of_this_machine_go_to_the_crawler_of_folders(crawling: Crawling, url: str) -> None:
    route = crawling.dispatcher.route_of(Target(url=url))
    assert (route.name, route.polite) == ("local", False)


@pytest.mark.parametrize(("url", "name"), LISTS.items())
def test_feeds_and_sitemaps_are_known_by_their_looks(
    crawling: Crawling, url: str, name: str
) -> None:
    assert crawling.dispatcher.route_of(Target(url=url)).name == name


def test_a_link_may_say_that_it_is_a_feed(crawling: Crawling) -> None:
    target = start_of(Link(url="https://example.org/", feed=True, depth=1))
    assert crawling.dispatcher.route_of(target).name == "feed"
    assert not crawling.dispatcher.route_of(target).complete, "old entries drop out of feeds"
