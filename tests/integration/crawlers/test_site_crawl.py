"""Whole sites by the crawl engine, the real fetcher and the crawlers of the registry."""

import gzip
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler

import pytest

from llm_engineering.domain.documents import ArticleDocument, Document
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.types import SaveOutcome
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from tests.integration.crawlers.local_site import LocalSite, serve_site
from tests.integration.crawlers.site_crawling import NOON, SiteCrawling

Crawl = Callable[..., tuple[Mapping[str, ArticleDocument], Mapping[str, str]]]


@pytest.fixture
def crawl(site: LocalSite) -> Crawl:
    """Crawls from a path; returns documents, and the reasons of failures, by path."""

    def run(
        path: str = "/", **link: object
    ) -> tuple[Mapping[str, ArticleDocument], Mapping[str, str]]:
        crawled = SiteCrawling(site).crawl(path, **link)
        return crawled.documents, crawled.errors

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
    assert errors["/gone"] == f"HTTP 404 Not Found (linked from {site.url}/)"
    assert "content type 'image/gif'" in errors["/image"]


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
    assert reason in errors["/a"]


def test_an_unreachable_site_is_one_error(site: LocalSite) -> None:
    with serve_site() as gone:
        pass
    crawled = SiteCrawling(gone).crawl("/a", depth=3)
    assert not crawled.documents
    assert list(crawled.errors) == ["/a"]


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
        crawled = SiteCrawling(site, other).crawl(depth=1)
    assert (set(crawled.documents), crawled.errors) == ({"/"}, {})


def test_a_start_page_that_has_moved_takes_the_crawl_along(site: LocalSite) -> None:
    with serve_site() as home:
        site.redirect("/", f"{home.url}/start", 301)
        home.article("/start", "Start", "/b")
        home.article("/b", "Second")
        crawled = SiteCrawling(site, home).crawl(depth=1)
    assert set(crawled.documents) == {f"{home.url}/start", f"{home.url}/b"}


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
        crawled = SiteCrawling(site, home).crawl(depth=1)
        assert home.hits["/b"] == 0
    assert not crawled.documents
    (error,) = crawled.errors.values()
    assert error.startswith(reason)


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
    assert errors["/a"].startswith("HTTP 500")


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
    assert errors["/private/a"] == "robots.txt does not allow it"


def test_a_robots_txt_that_cannot_be_had_forbids_everything(site: LocalSite, crawl: Crawl) -> None:
    site.article("/", "Start")
    site.status("/robots.txt", 503)
    documents, errors = crawl()
    assert not documents
    assert errors["/"] == "robots.txt: HTTP 503 Service Unavailable"


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


def test_the_front_page_is_among_the_pages_of_its_sitemap(site: LocalSite, crawl: Crawl) -> None:
    site.add("/robots.txt", "User-agent: *\nDisallow: /robots.txt", Content_Type="text/plain")
    site.add("/sitemap.xml", sitemap(f"{site.url}/", f"{site.url}/a"), Content_Type=XML)
    site.article("/", "Start", "/b")
    site.article("/a", "A")
    for _ in range(2):
        documents, errors = crawl(sitemap=True)
        assert (set(documents), errors) == ({"/", "/a"}, {})


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
    assert errors == {"/no": f"HTTP 404 Not Found (listed in {site.url}/all.xml)"}


@pytest.mark.parametrize("body", ["", "<html><body>no", "<svg/>", "\x1f\x8bdamaged"])
def test_what_is_no_sitemap_is_an_error(site: LocalSite, crawl: Crawl, body: str) -> None:
    site.add("/sitemap.xml", body.encode("latin-1"), Content_Type=XML)
    documents, errors = crawl(sitemap=True)
    assert not documents
    assert "/sitemap.xml" in errors


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
    assert "lists no page" in errors["/sitemap.xml"]


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
    crawled = SiteCrawling(site, concurrency=9, per_host=3).crawl(depth=1)
    assert len(crawled.documents) == 13
    assert most[0] == 3


class WatchedStore(InMemoryDocumentStore):
    """Tells what was stored, and fails from the n-th document on."""

    def __init__(self, room: int = 1_000) -> None:
        super().__init__()
        self.stored: list[str] = []
        self.changed = threading.Event()
        self._room = room

    def save(self, document: Document) -> SaveOutcome:
        if len(self.stored) >= self._room:
            raise StoreUnavailable("MongoDB: no space left on device")
        outcome = super().save(document)
        self.stored.append(document.url)
        self.changed.set()
        return outcome


def test_documents_are_stored_while_others_are_still_under_way(site: LocalSite) -> None:
    store = WatchedStore()
    site.article("/", "Start", "/slow", "/quick")
    site.article("/quick", "Quick")
    site.article("/slow", "Slow")
    answer = site.pages["/slow"]

    def after_the_quick_one(request: BaseHTTPRequestHandler) -> None:
        while f"{site.url}/quick" not in store.stored and store.changed.wait(5):
            store.changed.clear()
        answer(request)

    site.pages["/slow"] = after_the_quick_one
    SiteCrawling(site, store=store).crawl(depth=1)
    assert [url.removeprefix(site.url) for url in store.stored] == ["/", "/quick", "/slow"]


def crawling() -> list[str]:
    """Returns the crawl's threads that are still there."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("crawl")]


def test_a_store_that_fails_ends_the_crawl(site: LocalSite) -> None:
    site.article("/", "Start", *(f"/{number}" for number in range(200)))
    for number in range(200):
        site.article(f"/{number}", f"Page {number}")
    with pytest.raises(StoreUnavailable, match="no space left"):
        SiteCrawling(site, store=WatchedStore(room=3)).crawl(depth=1)
    # it does not wait for pages under way: Ctrl-C must not hang on a slow host
    deadline = time.monotonic() + 10
    while crawling() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not crawling()
    assert sum(site.hits.values()) < 30


def test_the_links_of_a_page_without_text_are_followed(site: LocalSite, crawl: Crawl) -> None:
    """Front pages are often nothing but links."""
    site.add("/", '<html><body><a href="/a"><img src="/i.png"></a></body></html>')
    site.article("/a", "Deep sea")
    documents, errors = crawl("/", depth=1)
    assert list(documents) == ["/a"]
    assert "no text" in errors["/"]
