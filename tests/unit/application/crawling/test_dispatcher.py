from collections.abc import Generator

import pytest

from llm_engineering.application.crawling.dispatcher import (
    CrawlerDispatcher,
    Matches,
    Route,
    any_link,
    no_link,
    parsed_link,
)
from llm_engineering.application.ports.crawling import Finding, Target
from llm_engineering.domain.errors import ConfigurationError, InvalidInput


class NoCrawler:
    """Is only told apart by its route's name."""

    def visit(self, target: Target) -> Generator[Finding, None, None]:
        raise NotImplementedError(target.url)
        yield


def route(name: str, matches: Matches) -> Route:
    return Route(name, matches, NoCrawler())


@pytest.fixture
def dispatcher() -> CrawlerDispatcher:
    return CrawlerDispatcher(
        [
            route("sitemap", no_link),
            route("medium", lambda parts: parts.hostname == "medium.com"),
            route("m", lambda parts: parts.path.startswith("/m")),
            route("any", any_link),
        ]
    )


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://medium.com/@ada/tides", "medium"),
        ("https://MEDIUM.com:443/m", "medium"),
        ("https://reader@medium.com/x", "medium"),
        ("https://medium.com.evil.org/x", "any"),
        ("https://evil.org/?medium.com", "any"),
        ("https://medium.com@evil.org/x", "any"),
        ("https://evilmedium.com/x", "any"),
        ("https://example.org/m", "m"),
        ("file:///m/notes", "m"),
        ("/home/ada", "any"),
    ],
)
def test_a_link_goes_to_the_first_crawler_that_matches(
    dispatcher: CrawlerDispatcher, url: str, name: str
) -> None:
    assert dispatcher.route_of(Target(url=url)).name == name


def test_a_target_may_name_its_crawler(dispatcher: CrawlerDispatcher) -> None:
    url = "https://medium.com/list"
    assert dispatcher.route_of(Target(url=url, via="sitemap")).name == "sitemap"
    with pytest.raises(ConfigurationError, match=r"'rss' \(known: sitemap, medium, m, any\)"):
        dispatcher.route_of(Target(url=url, via="rss"))


def test_a_link_that_no_crawler_takes_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"no crawler takes 'https://a\.org/'"):
        CrawlerDispatcher([route("none", no_link)]).route_of(Target(url="https://a.org/"))


@pytest.mark.parametrize("url", [".", "../notes", "~/notes", "file:///a", " https://a.org/ "])
def test_web_addresses_and_local_paths_are_links(url: str) -> None:
    assert parsed_link(url)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.org/a", "javascript:alert(1)", "git://example.org/a.git"),
        *("ext::sh -c id", "ssh://git@example.org/a", "file://server/share", "//example.org/a"),
        *("https:///a", "https://", "http://[bad", "http://a:99999/", ""),
    ],
)
def test_anything_else_is_refused_in_one_line_that_names_it(
    dispatcher: CrawlerDispatcher, url: str
) -> None:
    with pytest.raises(InvalidInput, match="not a link") as refused:
        dispatcher.route_of(Target(url=url))
    assert repr(url) in str(refused.value)
    assert "\n" not in str(refused.value)
