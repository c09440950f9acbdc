"""What a site's robots.txt lets us fetch."""

import pytest

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.robots import Robots, RobotsOfSites
from tests.unit.infrastructure.crawlers.scripted_web import ScriptedWeb

SITE = "https://example.org"


def rules(text: str) -> Robots:
    web = ScriptedWeb({f"{SITE}/robots.txt": text.encode()})
    return Robots.fetched(f"{SITE}/a/page?x=1", web)


def test_the_file_lies_at_the_root_of_the_site() -> None:
    web = ScriptedWeb({})
    Robots.fetched("https://example.org:8443/deep/er/page?x=1#y", web)
    assert web.asked == ["https://example.org:8443/robots.txt"]


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /private", "/private/x", False),
        ("User-agent: *\nDisallow: /private", "/public", True),
        ("User-agent: *\nDisallow:", "/anything", True),
        ("User-agent: *\nDisallow: /", "/", False),
        ("User-agent: other\nDisallow: /", "/x", True),
        ("User-agent: llm-pipeline-system\nDisallow: /x\n\nUser-agent: *\nDisallow: /", "/y", True),
        ("User-agent: llm-pipeline-system\nDisallow: /x\n\nUser-agent: *\nDisallow:", "/x", False),
        ("USER-AGENT: *\r\nDISALLOW: /x\r\n", "/x", False),
        ("# nothing but words", "/x", True),
        ("<html>not a robots.txt</html>", "/x", True),
        ("", "/x", True),
        # RFC 9309 §2.2.2 and §2.2.3: the longest match counts, allow wins a tie; `*` and `$`
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nAllow: /a/b\nDisallow: /a", "/a/c", False),
        ("User-agent: *\nDisallow: /\nAllow: /$", "/", True),
        ("User-agent: *\nDisallow: /\nAllow: /$", "/x", False),
        ("User-agent: *\nDisallow: /*?print=", "/a?print=1", False),
        ("User-agent: *\nDisallow: /*.php$", "/a.php?x", True),
        ("User-agent: *\nDisallow: /x\nAllow: /x", "/x", True),
        ("User-agent: a\nUser-agent: *\nDisallow: /x", "/x", False),
        ("User-agent: *\nDisallow: /%7Eada", "/~ada/", False),
    ],
)
def test_the_group_that_names_us_decides_else_the_one_for_all(
    text: str, path: str, allowed: bool
) -> None:
    assert rules(text).allows(SITE + path) is allowed


def test_a_site_without_the_file_has_no_rules() -> None:
    web = ScriptedWeb({f"{SITE}/robots.txt": FetchError(SITE, "HTTP 404")})
    robots = Robots.fetched(SITE, web)
    assert robots.allows(f"{SITE}/x")
    assert robots.sitemaps == ()


def test_a_site_that_is_down_forbids_everything_for_now() -> None:
    down = FetchError(f"{SITE}/robots.txt", "HTTP 503", transient=True)
    with pytest.raises(FetchError, match=r"robots\.txt: HTTP 503") as refused:
        Robots.fetched(f"{SITE}/page", ScriptedWeb({f"{SITE}/robots.txt": down}))
    assert refused.value.url == f"{SITE}/page", "the failure is that of the link"
    assert refused.value.transient


def test_sitemaps_are_named_in_order_wherever_they_stand() -> None:
    text = f"Sitemap: {SITE}/a.xml\nUser-agent: *\nDisallow: /x\nsitemap: {SITE}/b.xml"
    assert list(rules(text).sitemaps) == [f"{SITE}/a.xml", f"{SITE}/b.xml"]
    assert list(Robots("").sitemaps) == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("User-agent: *\nCrawl-delay: 2.5", 2.5),
        ("User-agent: *\nCrawl-delay: soon", 0.0),
        ("User-agent: other\nCrawl-delay: 9", 0.0),
        ("", 0.0),
    ],
)
def test_the_crawl_delay_is_in_seconds(text: str, seconds: float) -> None:
    assert rules(text).crawl_delay_s == seconds


def test_a_large_file_is_read_as_far_as_the_standard_asks() -> None:
    text = "User-agent: *\n" + "# no rule\n" * 60_000 + "Disallow: /x"
    assert rules(text).allows(f"{SITE}/x")


class Seconds:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_rules_of_a_site_are_fetched_once_a_day() -> None:
    web, clock = ScriptedWeb({f"{SITE}/robots.txt": b"User-agent: *\nDisallow: /x"}), Seconds()
    robots = RobotsOfSites(web, clock)
    for _ in range(3):
        assert not robots.of_site(f"{SITE}/a").allows(f"{SITE}/x")
    assert robots.of_site("http://example.org/").allows("http://example.org/x"), "another site"
    assert web.asked == [f"{SITE}/robots.txt", "http://example.org/robots.txt"]
    clock.now = 25 * 3600
    robots.of_site(f"{SITE}/b")
    assert web.asked[2:] == [f"{SITE}/robots.txt"]


def test_a_site_that_is_down_is_asked_again_after_a_minute() -> None:
    down = FetchError(f"{SITE}/robots.txt", "HTTP 503", transient=True)
    web, clock = ScriptedWeb({f"{SITE}/robots.txt": down}), Seconds()
    robots = RobotsOfSites(web, clock)
    for page in ("a", "b"):
        with pytest.raises(FetchError) as refused:
            robots.of_site(f"{SITE}/{page}")
        assert (refused.value.url, refused.value.transient) == (f"{SITE}/{page}", True)
    assert len(web.asked) == 1
    clock.now = 61
    with pytest.raises(FetchError):
        robots.of_site(f"{SITE}/a")
    assert len(web.asked) == 2
