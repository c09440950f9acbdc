"""Where a crawl begins, and what counts as one site."""

import pytest

from llm_engineering.application.crawling.sites import (
    SitemapsOfSite,
    host_of,
    same_site,
    start_of,
)
from llm_engineering.application.ports.crawling import Finding, Link, Target, Visited
from llm_engineering.domain.errors import FetchError, InvalidInput
from tests.unit.application.crawling.scripted_crawls import ScriptedRobots


@pytest.mark.parametrize(
    ("url", "other", "same"),
    [
        ("https://a.org/x", "https://a.org/y?z=1", True),
        ("http://a.org/", "https://a.org/", True),
        ("https://a.org:8443/", "https://a.org/", False),
        ("https://www.a.org/", "https://a.org/", False),
        ("https://b.a.org/", "https://a.org/", False),
        ("https://a.org.evil.example/", "https://a.org/", False),
        ("file:///srv/a", "file:///srv/b", True),
    ],
)
def test_one_host_and_port_is_one_site(url: str, other: str, same: bool) -> None:
    assert same_site(url, other) is same_site(other, url) is same


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://a.org/x", "a.org"),
        ("https://a.org:8443/", "a.org:8443"),
        ("http://[::1]:80/", "[::1]:80"),
        ("file:///srv/a", ""),
        ("/srv/a", ""),
    ],
)
def test_a_host_is_named_with_its_port(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("given", "begins"),
    [
        ({"url": " HTTPS://A.org "}, {"url": "https://a.org/", "via": None}),
        ({"url": "https://a.org/?utm_source=x#top"}, {"url": "https://a.org/"}),
        ({"url": " /srv/project "}, {"url": "/srv/project", "via": None}),
        ({"url": "https://a.org/f", "feed": True}, {"url": "https://a.org/f", "via": "feed"}),
        ({"url": "https://a.org/p", "browser": True, "depth": 2}, {"via": "browser", "depth": 2}),
        (
            {"url": "https://a.org/docs/", "sitemap": True, "depth": 3},
            {"url": "https://a.org/robots.txt", "via": "sitemaps-of-site", "depth": 0},
        ),
        (
            {"url": "https://a.org/sm.xml", "sitemap": True, "depth": 3},
            {"url": "https://a.org/sm.xml", "via": "sitemap", "depth": 0},
        ),
        (
            {"url": "https://a.org/sm.xml.gz?v=2", "sitemap": True},
            {"url": "https://a.org/sm.xml.gz?v=2", "via": "sitemap"},
        ),
        ({"url": "https://a.org/sm.xml"}, {"url": "https://a.org/sm.xml", "via": None}),
        (
            {"url": "https://a.org/sm.xml/page", "sitemap": True},
            {"url": "https://a.org/robots.txt", "via": "sitemaps-of-site"},
        ),
        ({"url": "https://a.org/", "sitemap": True, "feed": True}, {"via": "feed"}),
    ],
)
def test_a_link_says_where_its_crawl_begins(
    given: dict[str, object], begins: dict[str, object]
) -> None:
    start = start_of(Link.model_validate({"author": "Ada Lovelace", "max_pages": 7, **given}))
    assert (start.author, start.max_pages, start.found_on) == ("Ada Lovelace", 7, None)
    assert {name: getattr(start, name) for name in begins} == begins


@pytest.mark.parametrize("url", ["http://", "https://[::1", "http://a..b/"])
def test_a_start_that_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="not a URL"):
        start_of(Link(url=url))


def listed(robots: ScriptedRobots, **fields: object) -> list[Finding]:
    target = Target.model_validate({"url": "https://a.org/robots.txt", **fields})
    return list(SitemapsOfSite(robots).visit(target))


def test_the_sitemaps_that_robots_txt_names_are_read() -> None:
    named = ["https://a.org/one.xml", "https://cdn.example/two.xml"]
    first, *targets = listed(ScriptedRobots(sitemaps=named), author="Ada Lovelace", max_pages=9)
    assert first == Visited(url="https://a.org/robots.txt")
    assert [one.url for one in targets if isinstance(one, Target)] == named
    for one in targets:
        assert isinstance(one, Target)
        assert (one.via, one.listed, one.author, one.max_pages) == (
            "sitemap",
            True,
            "Ada Lovelace",
            9,
        )


def test_where_none_is_named_the_usual_place_is_looked_at() -> None:
    _, target = listed(ScriptedRobots())
    assert isinstance(target, Target)
    assert target.url == "https://a.org/sitemap.xml"


def test_a_site_that_does_not_answer_has_no_sitemaps() -> None:
    with pytest.raises(FetchError, match="HTTP 503"):
        listed(ScriptedRobots(down=("a.org",)))
