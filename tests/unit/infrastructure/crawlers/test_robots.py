"""What a site's robots.txt lets us fetch."""

import pytest

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.robots import Robots
from tests.unit.infrastructure.crawlers.scripted_web import ScriptedWeb

SITE = "https://example.org"


def rules(text: str) -> Robots:
    web = ScriptedWeb({f"{SITE}/robots.txt": text.encode()})
    return Robots.of_site(f"{SITE}/a/page?x=1", web)


def test_the_file_lies_at_the_root_of_the_site() -> None:
    web = ScriptedWeb({})
    Robots.of_site("https://example.org:8443/deep/er/page?x=1#y", web)
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
    ],
)
def test_the_group_that_names_us_decides_else_the_one_for_all(
    text: str, path: str, allowed: bool
) -> None:
    assert rules(text).allows(SITE + path) is allowed


def test_a_site_without_the_file_has_no_rules() -> None:
    web = ScriptedWeb({f"{SITE}/robots.txt": FetchError(SITE, "HTTP 404")})
    robots = Robots.of_site(SITE, web)
    assert robots.allows(f"{SITE}/x")
    assert robots.sitemaps == ()


def test_a_site_that_is_down_forbids_everything_for_now() -> None:
    down = FetchError(f"{SITE}/robots.txt", "HTTP 503", transient=True)
    with pytest.raises(FetchError, match=r"robots\.txt: HTTP 503") as refused:
        Robots.of_site(f"{SITE}/page", ScriptedWeb({f"{SITE}/robots.txt": down}))
    assert refused.value.url == f"{SITE}/page", "the failure is that of the link"
    assert refused.value.transient


@pytest.mark.parametrize("path", ["", "/", "/x", "/robots.txt"])
def test_a_closed_site_allows_no_page(path: str) -> None:
    allowed = Robots.closed().allows(SITE + path)
    assert allowed == (path == "/robots.txt" and allowed)
    if path != "/robots.txt":
        assert not allowed


def test_sitemaps_are_named_in_order_wherever_they_stand() -> None:
    text = f"Sitemap: {SITE}/a.xml\nUser-agent: *\nDisallow: /x\nsitemap: {SITE}/b.xml"
    assert list(rules(text).sitemaps) == [f"{SITE}/a.xml", f"{SITE}/b.xml"]
    assert list(Robots.closed().sitemaps) == []
