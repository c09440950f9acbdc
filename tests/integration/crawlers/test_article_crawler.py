import gzip
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from llm_engineering.application.ports.crawling import Link
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.errors import DocumentError, ExtractionError, FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.article import ArticleCrawler
from llm_engineering.infrastructure.crawlers.fetcher import Fetcher, FetchLimits
from tests.integration.crawlers.local_site import LocalSite, serve_site

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIMITS = FetchLimits(read_timeout_s=2, attempts=1)
Crawl = Callable[..., tuple[dict[str, ArticleDocument], dict[str, DocumentError]]]


def crawler_of(site: LocalSite, concurrency: int = 4) -> ArticleCrawler:
    policy = AddressPolicy(frozenset({site.host}))
    return ArticleCrawler(lambda: Fetcher(policy, LIMITS), lambda: NOON, concurrency=concurrency)


@pytest.fixture
def crawl(site: LocalSite) -> Crawl:
    """Crawls from a path; returns documents and errors by path."""

    def run(
        path: str = "/", **link: object
    ) -> tuple[dict[str, ArticleDocument], dict[str, DocumentError]]:
        documents, errors = {}, {}
        for item in crawler_of(site).crawl(Link.model_validate({"url": site.url + path, **link})):
            if isinstance(item, DocumentError):
                errors[item.url.removeprefix(site.url)] = item
            else:
                assert item.url not in documents, "the same page twice"
                documents[item.url.removeprefix(site.url)] = item
        return documents, errors

    return run


def test_one_page_becomes_one_document(site: LocalSite, crawl: Crawl) -> None:
    site.article("/a", "Deep sea", head='<meta name="author" content="Ada Lovelace">')
    documents, errors = crawl("/a?utm_source=mail", author="Somebody Else")
    assert not errors
    page = documents["/a"]
    assert (page.title, page.author_full_name, page.language) == ("Deep sea", "Ada Lovelace", "en")
    assert page.platform == "127.0.0.1"
    assert page.fetched_at == NOON
    assert page.content.startswith("# Deep sea")
    assert page.raw is not None
    assert b"<title>Deep sea" in page.raw


def test_the_links_author_counts_when_the_page_names_none(site: LocalSite, crawl: Crawl) -> None:
    site.article("/a", "Deep sea")
    documents, _ = crawl("/a", author="Grace Hopper")
    assert documents["/a"].author_full_name == "Grace Hopper"


@pytest.mark.parametrize(
    ("depth", "found"),
    [(0, {"/"}), (1, {"/", "/b"}), (2, {"/", "/b", "/c"}), (9, {"/", "/b", "/c"})],
)
def test_links_are_followed_to_the_depth_asked_for(
    site: LocalSite, crawl: Crawl, depth: int, found: set[str]
) -> None:
    site.article("/", "Start", "/b", "/#top")
    site.article("/b", "Second", "c", "/")
    site.article("/c", "Third", "/b", "/c#self")
    documents, errors = crawl(depth=depth)
    assert set(documents) == found
    assert not errors
    assert {path: site.hits[path] for path in found} == dict.fromkeys(found, 1)


def test_the_page_limit_bounds_what_is_fetched(site: LocalSite, crawl: Crawl) -> None:
    site.article("/", "Start", *(f"/{number}" for number in range(50)))
    for number in range(50):
        site.article(f"/{number}", f"Page {number}")
    documents, _ = crawl(depth=3, max_pages=7)
    assert set(documents) == {"/", "/0", "/1", "/2", "/3", "/4", "/5"}


def test_other_sites_and_files_are_not_fetched(site: LocalSite, crawl: Crawl) -> None:
    with serve_site() as other:
        other.article("/x", "Elsewhere")
        site.article("/", "Start", f"{other.url}/x", "/logo.png", "/all.tar.gz", "mailto:a@b.org")
        documents, errors = crawl(depth=2)
        assert (set(documents), errors) == ({"/"}, {})
        assert not other.hits
    assert set(site.hits) == {"/", "/robots.txt"}


def test_a_broken_link_names_where_it_stands_and_the_rest_is_kept(
    site: LocalSite, crawl: Crawl
) -> None:
    site.article("/", "Start", "/gone", "/image", "/b")
    site.article("/b", "Second")
    site.add("/image", b"GIF89a", Content_Type="image/gif")
    documents, errors = crawl(depth=1)
    assert set(documents) == {"/", "/b"}
    assert errors["/gone"].reason == f"HTTP 404 Not Found (linked from {site.url}/)"
    assert isinstance(errors["/image"], FetchError)
    assert "content type 'image/gif'" in errors["/image"].reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("<html><body><img src=x><script>1</script></body></html>", "no text"),
    ],
)
def test_a_page_without_text_is_an_extraction_error(
    site: LocalSite, crawl: Crawl, body: str, reason: str
) -> None:
    site.add("/a", body)
    documents, errors = crawl("/a")
    assert not documents
    assert isinstance(errors["/a"], ExtractionError)
    assert reason in errors["/a"].reason


def test_an_unreachable_site_is_one_error(site: LocalSite) -> None:
    with serve_site() as gone:
        pass
    items = list(crawler_of(gone).crawl(Link(url=f"{gone.url}/a", depth=3)))
    assert [type(item) for item in items] == [FetchError]


def test_a_page_reached_by_a_redirect_and_by_its_address_is_one_document(
    site: LocalSite, crawl: Crawl
) -> None:
    site.article("/", "Start", "/old", "/older", "/new")
    site.redirect("/old", "/new", 301)
    site.redirect("/older", "/new", 301)
    site.article("/new", "New")
    documents, errors = crawl(depth=1)
    assert (set(documents), errors) == ({"/", "/new"}, {})


def test_a_link_that_redirects_to_another_site_is_left_out(site: LocalSite) -> None:
    with serve_site() as other:
        other.article("/x", "Elsewhere")
        site.article("/", "Start", "/out")
        site.redirect("/out", f"{other.url}/x")
        policy = AddressPolicy(frozenset({site.host, other.host}))
        crawler = ArticleCrawler(lambda: Fetcher(policy, LIMITS), lambda: NOON)
        items = list(crawler.crawl(Link(url=site.url, depth=1)))
    assert [item.url for item in items] == [f"{site.url}/"]


def test_a_start_page_that_has_moved_takes_the_crawl_along(site: LocalSite) -> None:
    with serve_site() as home:
        site.redirect("/", f"{home.url}/start", 301)
        home.article("/start", "Start", "/b")
        home.article("/b", "Second")
        policy = AddressPolicy(frozenset({site.host, home.host}))
        crawler = ArticleCrawler(lambda: Fetcher(policy, LIMITS), lambda: NOON)
        items = list(crawler.crawl(Link(url=site.url, depth=1)))
    assert {item.url for item in items} == {f"{home.url}/start", f"{home.url}/b"}


@pytest.mark.parametrize(
    ("status", "reason"), [(200, "robots.txt does not allow it"), (503, "robots.txt: HTTP 503")]
)
def test_the_robots_txt_of_the_new_host_counts(site: LocalSite, status: int, reason: str) -> None:
    with serve_site() as home:
        site.redirect("/", f"{home.url}/start", 301)
        home.article("/start", "Start", "/b")
        home.article("/b", "Second")
        home.add("/robots.txt", "User-agent: *\nDisallow: /", Content_Type="text/plain")
        if status != 200:
            home.status("/robots.txt", status)
        policy = AddressPolicy(frozenset({site.host, home.host}))
        crawler = ArticleCrawler(lambda: Fetcher(policy, LIMITS), lambda: NOON)
        (error,) = crawler.crawl(Link(url=site.url, depth=1))
        assert home.hits["/b"] == 0
    assert isinstance(error, FetchError)
    assert error.reason.startswith(reason)


def test_copies_of_a_page_are_one_document_with_the_originals_text(
    site: LocalSite, crawl: Crawl
) -> None:
    canonical = '<link rel="canonical" href="/page">'
    site.article("/", "Start", "/page?print=1", "/page?print=2", "/page")
    for query in ("?print=1", "?print=2"):
        site.article(f"/page{query}", "Print version", head=canonical)
    site.article("/page", "The page", head=canonical)
    documents, errors = crawl(depth=1)
    assert (set(documents), errors) == ({"/", "/page"}, {})
    assert documents["/page"].title == "The page"


def test_a_copy_counts_when_the_original_is_broken(site: LocalSite, crawl: Crawl) -> None:
    site.article("/", "Start", "/a?print=1", "/a")
    site.article("/a?print=1", "Print version", head='<link rel="canonical" href="/a">')
    site.status("/a", 500)
    documents, errors = crawl(depth=1)
    assert documents["/a"].title == "Print version"
    assert errors["/a"].transient


def test_robots_txt_is_respected(site: LocalSite, crawl: Crawl) -> None:
    site.add("/robots.txt", "User-agent: *\nDisallow: /private", Content_Type="text/plain")
    site.article("/", "Start", "/private/a", "/b")
    site.article("/b", "Second")
    site.article("/private/a", "Secret")
    documents, errors = crawl(depth=2)
    assert (set(documents), errors) == ({"/", "/b"}, {})
    assert site.hits["/private/a"] == 0
    documents, errors = crawl("/private/a")
    assert not documents
    assert errors["/private/a"].reason == "robots.txt does not allow it"


def test_a_robots_txt_that_cannot_be_had_forbids_everything(site: LocalSite, crawl: Crawl) -> None:
    site.article("/", "Start")
    site.status("/robots.txt", 503)
    documents, errors = crawl()
    assert not documents
    assert errors["/"].reason == "robots.txt: HTTP 503 Service Unavailable"
    assert errors["/"].transient


def sitemap(*locations: str, kind: str = "urlset", entry: str = "url") -> str:
    entries = "".join(f"<{entry}><loc> {location} </loc></{entry}>" for location in locations)
    namespace = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0"?><{kind} xmlns="{namespace}">{entries}</{kind}>'


XML = "application/xml"


def test_a_sitemap_gives_the_pages_instead_of_links(site: LocalSite, crawl: Crawl) -> None:
    site.add("/sitemap.xml", sitemap(f"{site.url}/a", f"{site.url}/b"), Content_Type=XML)
    site.article("/a", "A", "/not-listed")
    site.article("/b", "B")
    site.article("/not-listed", "C")
    documents, errors = crawl(sitemap=True, depth=5)
    assert (set(documents), errors) == ({"/a", "/b"}, {})


def test_an_index_of_sitemaps_zipped_or_not_is_read(site: LocalSite, crawl: Crawl) -> None:
    site.add("/robots.txt", f"Sitemap: {site.url}/all.xml", Content_Type="text/plain")
    parts = [f"{site.url}/1.xml", f"{site.url}/2.xml.gz", f"{site.url}/all.xml", f"{site.url}/no"]
    site.add("/all.xml", sitemap(*parts, kind="sitemapindex", entry="sitemap"), Content_Type=XML)
    site.add("/1.xml", sitemap(f"{site.url}/a"), Content_Type=XML)
    zipped = gzip.compress(sitemap(f"{site.url}/b", "https://other.example/c").encode())
    site.add("/2.xml.gz", zipped, Content_Type="application/x-gzip")
    site.article("/a", "A")
    site.article("/b", "B")
    documents, errors = crawl(sitemap=True)
    assert set(documents) == {"/a", "/b"}
    assert {path: error.reason for path, error in errors.items()} == {"/no": "HTTP 404 Not Found"}


@pytest.mark.parametrize("body", ["", "<html><body>no", "<rss/>", "\x1f\x8bdamaged"])
def test_what_is_no_sitemap_is_an_error(site: LocalSite, crawl: Crawl, body: str) -> None:
    site.add("/sitemap.xml", body.encode("latin-1"), Content_Type=XML)
    documents, errors = crawl(sitemap=True)
    assert not documents
    assert isinstance(errors["/sitemap.xml"], FetchError)


def test_entities_of_a_sitemap_are_not_expanded(site: LocalSite, crawl: Crawl) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    text = sitemap(f"{site.url}/&f;").replace('<?xml version="1.0"?>', bomb)
    site.add("/sitemap.xml", text, Content_Type=XML)
    documents, _ = crawl(sitemap=True)
    assert not documents
    assert not any("root" in path for path in site.hits)


def test_a_sitemap_of_other_sites_is_an_error(site: LocalSite, crawl: Crawl) -> None:
    site.add("/sitemap.xml", sitemap("https://other.example/a"), Content_Type=XML)
    _, errors = crawl(sitemap=True)
    assert "lists no page of this site" in errors["/"].reason


def test_pages_are_fetched_several_at_a_time_but_not_more(site: LocalSite) -> None:
    lock, now_here, most = threading.Lock(), [0], [0]

    def slowly(request: object) -> None:
        with lock:
            now_here[0] += 1
            most[0] = max(most[0], now_here[0])
        time.sleep(0.1)
        with lock:
            now_here[0] -= 1
        page(request)  # type: ignore[arg-type]

    site.article("/page", "Page")
    page = site.pages["/page"]
    site.article("/", "Start", *(f"/{number}" for number in range(12)))
    site.pages |= {f"/{number}": slowly for number in range(12)}
    items = list(crawler_of(site, concurrency=3).crawl(Link(url=site.url, depth=1)))
    assert len(items) == 13
    assert most[0] == 3


def test_documents_come_while_others_are_still_under_way(site: LocalSite) -> None:
    released = threading.Event()
    site.article("/", "Start", "/slow", "/quick")
    site.article("/quick", "Quick")
    site.article("/slow", "Slow")
    answer = site.pages["/slow"]
    site.pages["/slow"] = lambda request: (released.wait(5), answer(request))[1]
    items = crawler_of(site).crawl(Link(url=site.url, depth=1))
    assert [next(items).url, next(items).url] == [f"{site.url}/", f"{site.url}/quick"]
    released.set()
    assert next(items).url == f"{site.url}/slow"
    assert list(items) == []


def crawling() -> list[str]:
    """Returns the crawl's threads that are still there."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("crawl")]


def test_closing_the_crawl_ends_it(site: LocalSite) -> None:
    site.article("/", "Start", *(f"/{number}" for number in range(200)))
    for number in range(200):
        site.article(f"/{number}", f"Page {number}")
    items = crawler_of(site).crawl(Link(url=site.url, depth=1))
    next(items)
    next(items)
    items.close()
    assert sum(site.hits.values()) < 30
    # closing does not wait for pages under way: Ctrl-C must not hang on a slow host
    deadline = time.monotonic() + 10
    while crawling() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not crawling()


def test_the_links_of_a_page_without_text_are_followed(site: LocalSite, crawl: Crawl) -> None:
    """Front pages are often nothing but links."""
    site.add("/", '<html><body><a href="/a"><img src="/i.png"></a></body></html>')
    site.article("/a", "Deep sea")
    documents, errors = crawl("/", depth=1)
    assert list(documents) == ["/a"]
    assert isinstance(errors["/"], ExtractionError)
