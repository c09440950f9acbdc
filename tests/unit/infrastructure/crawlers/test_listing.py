"""Targets from feeds and sitemaps, whatever their address looks like."""

import gzip
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from llm_engineering.application.ports.crawling import Finding, Target, Visited
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.errors import DocumentError, ExtractionError
from llm_engineering.infrastructure.crawlers import listing
from llm_engineering.infrastructure.crawlers.listing import (
    ElsewhereCrawler,
    is_feed_link,
    is_sitemap_link,
)
from tests.unit.infrastructure.crawlers.feed_making import (
    FEED,
    NOW,
    SITE,
    SITEMAP,
    atom,
    index_of,
    named,
    rss,
    targets,
    urlset,
)


def only_error(findings: list[Finding]) -> DocumentError:
    (error,) = findings
    assert isinstance(error, DocumentError)
    return error


def test_entries_of_a_feed_become_listed_pages() -> None:
    feed = Target(url=FEED, author="Harbour Office", depth=2, max_pages=7)
    first, second = targets(
        rss(
            f"<title>Tides</title><link>{SITE}/tides</link><dc:creator>Ada Lovelace</dc:creator>"
            "<pubDate>Fri, 01 May 2026 10:30:00 +0200</pubDate>",
            "<link>https://elsewhere.example/x</link>",
        ),
        target=feed,
    )
    assert first == Target(
        url=f"{SITE}/tides",
        author="Ada Lovelace",
        depth=2,
        max_pages=7,
        listed=True,
        found_on=FEED,
        title="Tides",
        published=datetime(2026, 5, 1, 8, 30, tzinfo=UTC),
        via="article",
    )
    assert (second.url, second.author, second.published) == (
        "https://elsewhere.example/x",
        "Harbour Office",
        None,
    )


def test_an_entry_without_a_link_is_told_and_the_others_are_listed() -> None:
    error, page = named(rss("<title>Lost</title>", f"<link>{SITE}/a</link>"))
    assert isinstance(error, ExtractionError)
    assert (error.url, error.reason) == (FEED, "the entry 'Lost' has no link")
    assert isinstance(page, Target)


def test_a_feed_without_entries_lists_nothing() -> None:
    assert named(rss()) == []
    assert named(atom()) == []


def test_a_repository_that_a_feed_names_is_a_page_and_is_not_cloned() -> None:
    (page,) = targets(rss("<link>https://github.com/sea/tides</link>"))
    assert page.via == "article"


def test_a_feed_goes_on_at_its_next_page_of_the_same_site() -> None:
    def more(address: str) -> list[Target]:
        return targets(atom(feed=f'<link rel="next" href="{address}"/>'))

    assert [(t.url, t.via, t.listed) for t in more("/p2")] == [(f"{SITE}/p2", "feed", True)]
    assert more("http://127.0.0.1:27017/") == []


def test_a_feed_in_windows_1252_is_decoded_by_its_declaration() -> None:
    text = rss(f"<title>Größe: “5 €”</title><link>{SITE}/a</link>").replace("UTF-8", "windows-1252")
    (page,) = targets(text.encode("windows-1252"))
    assert page.title == "Größe: “5 €”"


def test_a_page_that_names_its_feed_leads_there() -> None:
    page = (
        '<html><head><link rel="alternate" type="application/rss+xml" href="/rss">'
        '<link rel="alternate" type="application/rss+xml" href="/comments/rss"></head>'
        "<body>A blog</body></html>"
    )
    (feed,) = targets(page, f"{SITE}/feed/", "text/html")
    assert (feed.url, feed.via, feed.listed) == (f"{SITE}/rss", "feed", True)


@pytest.mark.parametrize("body", ["<html><body>no</body></html>", "  "])
def test_a_page_that_names_none_is_an_error(body: str) -> None:
    error = only_error(named(body, f"{SITE}/feed/", "text/html"))
    assert error.url == f"{SITE}/feed/"


def test_a_page_that_names_itself_as_its_feed_does_not_go_round_in_circles() -> None:
    page = f'<link rel="alternate" type="application/rss+xml" href="{FEED}"><p>x'
    assert "instead of a feed" in only_error(named(page, FEED, "text/html")).reason


def test_a_feed_served_as_html_is_a_feed() -> None:
    assert len(targets(rss(f"<link>{SITE}/a</link>"), FEED, "text/html")) == 1


@pytest.mark.parametrize("kind", ["application/json", "application/feed+json", "text/plain"])
def test_a_json_feed_is_recognised(kind: str) -> None:
    body = f'{{"version": "https://jsonfeed.org/version/1", "items": [{{"url": "{SITE}/a"}}]}}'
    (page,) = targets(body, f"{SITE}/feed.json", kind)
    assert page.url == f"{SITE}/a"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "words",
        "<svg/>",
        "{}",
        "\0\1\2",
        '<!DOCTYPE r [<!ENTITY a "lol">]><rss><item><link>&a;</link></item></rss>',
    ],
)
def test_what_is_no_list_is_one_error(body: str) -> None:
    error = only_error(named(body))
    assert (error.url, error.reason) == (FEED, "neither a feed nor a sitemap")


def test_pages_of_a_sitemap_carry_their_last_change() -> None:
    body = urlset(
        (f"{SITE}/a", "2026-05-01T10:30:00+02:00"), (f"{SITE}/b", "2026-05-01"), f"{SITE}/c"
    )
    pages = targets(body, SITEMAP, target=Target(url=SITEMAP, author="Harbour Office", depth=1))
    assert [page.url for page in pages] == [f"{SITE}/a", f"{SITE}/b", f"{SITE}/c"]
    assert [page.modified for page in pages] == [
        datetime(2026, 5, 1, 8, 30, tzinfo=UTC),
        datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC),  # it may have changed late on that day
        None,
    ]
    assert {(p.listed, p.found_on, p.author, p.depth, p.via) for p in pages} == {
        (True, SITEMAP, "Harbour Office", 1, "article")
    }


def test_a_sitemap_of_news_says_title_and_date() -> None:
    body = urlset(f"{SITE}/a").replace(
        "</loc>",
        '</loc><n:news xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">'
        "<n:publication_date>2026-05-01T08:30:00Z</n:publication_date>"
        "<n:title> High  water </n:title></n:news>",
    )
    (page,) = targets(body, SITEMAP)
    assert page.title == "High water"
    assert page.published == datetime(2026, 5, 1, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize("namespace", ["", ' xmlns="urn:any"'])
def test_any_namespace_does(namespace: str) -> None:
    assert len(targets(urlset(f"{SITE}/a", namespace=namespace), SITEMAP)) == 1


def test_only_pages_of_the_own_site_are_listed_each_once() -> None:
    body = urlset(
        f"{SITE}/a", f"{SITE}/a#part", f"\n {SITE}/x?a=1&amp;b=2 ", "/relative", "",
        "https://www.harbour.example/www", "http://harbour.example/plain",
        "https://harbour.example.evil.example/x", "https://elsewhere.example/x",
        f"{SITE}:8443/port", "file:///etc/passwd", f"{SITE}/paper.pdf", "mailto:a@b.example",
    )  # fmt: skip
    assert [page.url for page in targets(body, SITEMAP)] == [
        f"{SITE}/a",
        f"{SITE}/x?a=1&b=2",
        f"{SITE}/relative",
        "https://www.harbour.example/www",
        "http://harbour.example/plain",
    ]


def test_an_index_leads_to_its_sitemaps() -> None:
    maps = targets(index_of(f"{SITE}/1.xml.gz", f"{SITE}/maps?n=2", "http://127.0.0.1/"), SITEMAP)
    assert [(t.url, t.via) for t in maps] == [
        (f"{SITE}/1.xml.gz", "sitemap"),
        (f"{SITE}/maps?n=2", "sitemap"),
    ]


def test_a_sitemap_may_be_text_a_feed_or_gzip() -> None:
    text = f"\ufeff{SITE}/a\r\n\r\n{SITE}/b\r\nnot an address\r\n{SITE}/a\r\n"
    assert [t.url for t in targets(text, f"{SITE}/sitemap.txt", "text/plain")] == [
        f"{SITE}/a",
        f"{SITE}/b",
    ]
    assert len(targets(rss(f"<link>{SITE}/a</link>"), SITEMAP)) == 1
    zipped = gzip.compress(urlset(f"{SITE}/a").encode())
    assert len(targets(zipped, f"{SITEMAP}.gz", "application/gzip")) == 1


@pytest.mark.parametrize("body", [urlset(), urlset("https://elsewhere.example/"), index_of()])
def test_a_sitemap_without_pages_of_its_site_is_an_error(body: str) -> None:
    assert only_error(named(body, SITEMAP)).reason == "lists no page of its own site"


def test_a_sitemap_ends_at_the_protocols_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_PAGES", 3)
    *pages, error = named(urlset(*(f"{SITE}/{number}" for number in range(5))), SITEMAP)
    assert len(pages) == 3
    assert isinstance(error, ExtractionError)
    assert error.reason == "lists more than 3 pages; the rest is left out"
    assert len(named(urlset(*(f"{SITE}/{number}" for number in range(3))), SITEMAP)) == 3


def test_a_zip_bomb_is_refused_before_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_BYTES", 10_000)
    assert only_error(named(gzip.compress(b" " * 5_000_000))).reason == "larger than 10,000 bytes"


def test_a_damaged_zip_is_an_error() -> None:
    body = gzip.compress(urlset(*(f"{SITE}/{number}" for number in range(100))).encode())
    assert only_error(named(body[:10] + b"\xff" * 40)).url == FEED


def test_a_feed_of_5000_entries_is_read_in_seconds_of_cpu() -> None:
    item = "<title>{0}</title><link>{1}/{0}</link><pubDate>Fri, 01 May 2026 08:30:00 GMT</pubDate>"
    body = rss(*(item.format(number, SITE) for number in range(5_000)))
    begun = time.process_time()
    assert len(targets(body)) == 5_000
    assert time.process_time() - begun < 2.0  # measured: 0.3 s


SITEMAPS = ["/sitemap.xml", "/sitemap_index.xml", "/a/post-sitemap2.xml", "/sitemap.xml.gz",
            "/sitemap.txt", "/maps/1.xml.gz"]  # fmt: skip
FEEDS = ["/feed", "/feed/", "/blog/rss", "/rss.xml", "/atom.xml", "/index.xml", "/feed.json",
         "/news.rss", "/a.atom", "/?feed=rss2", "/blog?format=rss", "/feeds/posts/default?alt=rss",
         "/category/tides/feed/"]  # fmt: skip
PAGES = ["/", "/sitemap", "/sitemap.html", "/feedback", "/a-feed-of-birds", "/rss-explained",
         "/atomic", "/feed/the-cat", "/notes.txt", "/data.json", "/?feeder=rss"]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "kinds"),
    [(path, {"sitemap"}) for path in SITEMAPS]
    + [(path, {"feed"}) for path in FEEDS]
    + [(path, set()) for path in PAGES],
)
def test_addresses_that_look_like_lists(path: str, kinds: set[str]) -> None:
    link = urlsplit(f"{SITE}{path}")
    sitemap, feed = is_sitemap_link(link), is_feed_link(link)
    assert ({"sitemap"} if sitemap else {"feed"} if feed else set()) == kinds


def test_hosts_of_feeds() -> None:
    assert is_feed_link(urlsplit("https://feeds.example.org/harbour"))
    assert not is_feed_link(urlsplit("https://feedsandseeds.example/"))


MEDIUM_ITEM = (
    "<title>Tides</title><link>https://medium.com/@ada/tides-0a1b2c3d?source=rss-1</link>"
    "<dc:creator>Ada Lovelace</dc:creator><pubDate>Fri, 01 May 2026 08:30:00 GMT</pubDate>"
    "<atom:updated>2026-05-02T00:00:00Z</atom:updated>"
    "<content:encoded><![CDATA[<h3>Why</h3><p>It <em>rises</em>.</p><pre>a = 1\nb = 2</pre>"
    '<img src="https://medium.com/_/stat">]]></content:encoded>'
)


def test_a_whole_post_in_a_feed_of_medium_becomes_a_document() -> None:
    (document,) = named(rss(MEDIUM_ITEM, channel="<generator>Medium</generator>"))
    assert isinstance(document, ArticleDocument)
    assert document.url == "https://medium.com/@ada/tides-0a1b2c3d"
    assert (document.title, document.author_full_name) == ("Tides", "Ada Lovelace")
    assert document.published == datetime(2026, 5, 1, 8, 30, tzinfo=UTC)
    assert document.modified == datetime(2026, 5, 2, tzinfo=UTC)
    assert document.content == "### Why\n\nIt *rises*.\n\n```\na = 1\nb = 2\n```"
    assert (document.platform, document.fetched_at) == ("medium.com", NOW)


def test_a_post_for_members_in_a_feed_is_a_page_to_visit() -> None:
    snippet = '<p class="medium-feed-snippet">The water</p>'
    item = f"<link>{SITE}/m</link><content:encoded><![CDATA[{snippet}]]></content:encoded>"
    (page,) = targets(rss(item, channel="<generator>Medium</generator>"))
    assert (page.url, page.via) == (f"{SITE}/m", "article")


def test_the_text_in_a_feed_of_others_is_not_taken_for_the_whole() -> None:
    (page,) = targets(rss(MEDIUM_ITEM, channel="<generator>WordPress</generator>"))
    assert page.via == "article"


def test_an_entry_without_words_is_a_page_to_visit() -> None:
    item = f"<link>{SITE}/m</link><content:encoded>&lt;img src='x'&gt;</content:encoded>"
    assert len(targets(rss(item, channel="<generator>Substack</generator>"))) == 1


def test_a_profile_is_visited_by_its_feed() -> None:
    crawler = ElsewhereCrawler(lambda url: f"{url}/feed", "feed")
    visited, feed = crawler.visit(Target(url=SITE, author="Ada Lovelace", depth=1))
    assert visited == Visited(url=SITE)
    assert feed == Target(
        url=f"{SITE}/feed",
        author="Ada Lovelace",
        depth=1,
        listed=True,
        found_on=SITE,
        via="feed",
    )
