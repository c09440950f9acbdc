"""Feeds and sitemaps crawled over real HTTP by the engine."""

from tests.integration.crawlers.local_site import LocalSite
from tests.integration.crawlers.site_crawling import SiteCrawling
from tests.unit.infrastructure.crawlers.feed_making import rss, urlset

XML = "application/rss+xml; charset=utf-8"


def feed_of(site: LocalSite, *paths: str) -> str:
    return rss(
        *(
            f"<title>T</title><link>{site.url}{path}</link><dc:creator>Ada Lovelace</dc:creator>"
            "<pubDate>Fri, 01 May 2026 08:30:00 GMT</pubDate>"
            for path in paths
        )
    )


def test_the_entries_of_a_feed_are_fetched_with_what_the_feed_says(site: LocalSite) -> None:
    site.add("/feed.xml", feed_of(site, "/a", "/b", "/none"), Content_Type=XML)
    for path in ("/a", "/b"):
        site.article(path, path.upper(), "/elsewhere")
    crawled = SiteCrawling(site).crawl("/feed.xml")
    assert set(crawled.documents) == {"/a", "/b"}
    document = crawled.documents["/a"]
    assert document.author_full_name == "Ada Lovelace"
    assert document.published is not None
    assert document.published.isoformat() == "2026-05-01T08:30:00+00:00"
    assert crawled.errors == {"/none": f"HTTP 404 Not Found (listed in {site.url}/feed.xml)"}


def test_a_page_leads_to_its_feed_when_the_link_says_so(site: LocalSite) -> None:
    alternate = '<link rel="alternate" type="application/rss+xml" href="/posts">'
    site.article("/", "Home", "/about", head=alternate)
    site.add("/posts", feed_of(site, "/a"), Content_Type=XML)
    site.article("/a", "A")
    assert set(SiteCrawling(site).crawl("/", feed=True).documents) == {"/a"}


def test_a_feed_that_has_not_changed_is_not_read_and_old_entries_stay(site: LocalSite) -> None:
    crawling = SiteCrawling(site)
    site.article("/a", "A")
    site.article("/b", "B")
    site.add("/feed.xml", feed_of(site, "/a"), Content_Type=XML)
    assert crawling.crawl("/feed.xml").report.rows[0].new == 1
    again = crawling.crawl("/feed.xml").report.rows[0]
    assert (again.new, again.changed, again.unchanged) == (0, 0, 1)
    site.add("/feed.xml", feed_of(site, "/b"), Content_Type=XML)  # /a has dropped out
    for _ in range(4):
        last = crawling.crawl("/feed.xml")
        assert last.report.rows[0].gone == 0
    assert set(last.documents) == {"/a", "/b"}


def test_a_list_may_be_larger_than_any_page(site: LocalSite) -> None:
    pages = [f"{site.url}/{'x' * 900}{number}" for number in range(20)]
    site.add("/sitemap.xml", urlset(*pages), Content_Type="application/xml")
    crawled = SiteCrawling(site, max_page_bytes=10_000).crawl("/sitemap.xml", max_pages=3)
    assert len(crawled.errors) == 3
    assert all("404" in reason for reason in crawled.errors.values())


def test_lastmod_says_which_pages_need_not_be_asked(site: LocalSite) -> None:
    crawling = SiteCrawling(site)
    site.article("/a", "A")
    site.article("/b", "B")

    def sitemap(changed_b: str) -> None:
        pages = [(f"{site.url}/a", "2026-05-01T00:00:00Z"), (f"{site.url}/b", changed_b)]
        site.add("/sitemap.xml", urlset(*pages), Content_Type="application/xml")

    sitemap("2026-05-01T00:00:00Z")
    crawling.crawl("/sitemap.xml")
    sitemap("2026-05-02T00:00:00Z")
    site.article("/b", "B, revised")
    row = crawling.crawl("/sitemap.xml").report.rows[0]
    assert (site.hits["/a"], site.hits["/b"]) == (1, 2)
    assert (row.unchanged, row.changed) == (1, 1)
