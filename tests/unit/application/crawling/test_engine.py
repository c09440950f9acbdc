import pytest

from llm_engineering.application.ports.crawling import Finding, Link, Target, Visited
from llm_engineering.domain.documents import Document
from llm_engineering.domain.errors import (
    ConfigurationError,
    DocumentError,
    ExtractionError,
    FetchError,
    InvalidInput,
    StoreUnavailable,
)
from llm_engineering.domain.types import SaveOutcome
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from tests.unit.application.crawling.scripted_crawls import (
    HOME,
    Script,
    ScriptedCrawl,
    ScriptedRobots,
    links,
    page,
)

A, B, C = (f"{HOME}{name}" for name in "abc")


def test_every_document_is_stored_and_counted_by_link() -> None:
    crawl = ScriptedCrawl(
        {
            HOME: [page(A), ExtractionError(HOME, "no text")],
            "https://b.org/": [page("https://b.org/1"), page("https://b.org/2")],
        }
    )
    crawl.run(Link(url=HOME), Link(url="https://b.org/"))
    assert [(row.link, row.fetched, row.failed) for row in crawl.report.rows] == [
        (HOME, 1, 1),
        ("https://b.org/", 2, 0),
    ]
    assert {one.url for one in crawl.store.documents()} == {
        *(A, "https://b.org/1", "https://b.org/2")
    }
    assert crawl.progress == 4
    assert crawl.crawler.closed == 2


def test_a_wrong_link_is_refused_before_anything_is_fetched() -> None:
    crawl = ScriptedCrawl({})
    with pytest.raises(InvalidInput, match=r"ftp://c\.org/x"):
        crawl.run(Link(url=HOME), Link(url="ftp://c.org/x"))
    assert not crawl.crawler.visits


def test_no_links_make_an_empty_report() -> None:
    report = ScriptedCrawl({}).engine.run([], lambda _: None)
    assert (report.ok, report.rows) == (True, ())


@pytest.mark.parametrize("depth", range(4))
def test_links_are_followed_level_by_level_to_their_depth(depth: int) -> None:
    crawl = ScriptedCrawl({HOME: links(A, HOME), A: links(B, A), B: links(C), C: links(A)})
    crawl.run(depth=depth)
    assert crawl.crawler.urls == [HOME, A, B, C][: depth + 1]
    assert [target.depth for target in crawl.crawler.visits] == list(range(depth, -1, -1))


def test_a_page_is_visited_once_by_its_canonical_url_and_only_on_its_site() -> None:
    spelled = ["https://A.org:443/a?utm_source=x#part", A, "http://a.org/a2"]
    crawl = ScriptedCrawl({HOME: links(*spelled, "https://a.org.evil.org/a", "mailto:x@a.org")})
    crawl.run(depth=1)
    assert crawl.crawler.urls == [HOME, A, "http://a.org/a2"]


@pytest.mark.parametrize("concurrency", [1, 8])
def test_the_page_limit_takes_the_first_pages_in_the_order_of_the_links(concurrency: int) -> None:
    scripts: dict[str, Script] = {
        HOME: links(A, B, C),
        **{
            parent: [*links(*(f"{parent}{n}" for n in range(9))), page(parent)]
            for parent in (A, B, C)
        },
    }
    crawl = ScriptedCrawl(scripts, concurrency=concurrency)
    crawl.run(depth=2, max_pages=15)
    assert set(crawl.crawler.urls) == {
        *(HOME, A, B, C, *(f"{A}{n}" for n in range(9)), f"{B}0", f"{B}1")
    }


def test_listed_targets_take_no_step_and_may_be_anywhere() -> None:
    entries = [
        Target(url=url, listed=True, title="Tides", author="Ada")
        for url in (A, "https://elsewhere.org/x")
    ]
    crawl = ScriptedCrawl({f"{HOME}feed": entries})
    assert crawl.run(Link(url=f"{HOME}feed", author="Grace", max_pages=2)) == {"new": 2}
    assert crawl.crawler.urls == [f"{HOME}feed", A, "https://elsewhere.org/x"], "lists do not count"
    assert crawl.crawler.visits[1].author == "Ada"


def test_what_robots_txt_forbids_is_left_out_and_does_not_count() -> None:
    crawl = ScriptedCrawl({HOME: links(A, B, C)}, ScriptedRobots(disallowed=[A]))
    assert crawl.run(depth=1, max_pages=3) == {"new": 2}
    assert crawl.crawler.urls == [HOME, B, C]


def test_a_start_that_robots_txt_forbids_is_a_failure() -> None:
    crawl = ScriptedCrawl({}, ScriptedRobots(disallowed=[HOME]))
    assert crawl.run() == {"failed": 1}
    assert crawl.report.failures[0].reason == "robots.txt does not allow it"
    assert not crawl.crawler.visits


def test_a_listed_page_that_robots_txt_forbids_is_skipped() -> None:
    entries = [Target(url=A, listed=True), Target(url=B, listed=True)]
    crawl = ScriptedCrawl({f"{HOME}feed": entries}, ScriptedRobots(disallowed=[A]))
    assert crawl.run(Link(url=f"{HOME}feed")) == {"new": 1, "skipped": 1}


def test_a_site_whose_robots_txt_cannot_be_had_is_not_visited() -> None:
    crawl = ScriptedCrawl({}, ScriptedRobots(down=["a.org"]))
    assert crawl.run() == {"failed": 1}
    (letter,) = crawl.letters.all()
    assert (letter.stage, letter.transient) == ("robots", True)
    assert not crawl.crawler.visits


def test_a_linked_page_that_moved_to_another_site_is_left_out() -> None:
    moved: list[Finding] = [
        Visited(url="https://b.org/a"),
        page("https://b.org/a"),
        *links("https://b.org/x"),
    ]
    crawl = ScriptedCrawl({HOME: links(A), A: moved})
    assert crawl.run(depth=2) == {}
    assert crawl.crawler.urls == [HOME, A]


def test_a_start_that_moved_takes_the_crawl_along() -> None:
    there = "https://www.a.org/"
    moved: list[Finding] = [Visited(url=there), page(there), *links(f"{there}a", A)]
    crawl = ScriptedCrawl({HOME: moved})
    assert crawl.run(depth=1) == {"new": 2}
    assert crawl.crawler.urls == [HOME, f"{there}a"]


def test_a_copy_is_not_stored_beside_its_original() -> None:
    crawl = ScriptedCrawl({HOME: links(A, B), A: [page(B, "print version")], B: [page(B)]})
    assert crawl.run(depth=1) == {"new": 1}
    (held,) = crawl.store.documents()
    assert held.content == page(B).content


def test_a_copy_counts_when_its_original_failed() -> None:
    broken = FetchError(B, "HTTP 500", transient=True)
    crawl = ScriptedCrawl({HOME: links(A, B), A: [page(B, "print version")], B: broken})
    assert crawl.run(depth=1) == {"new": 1, "failed": 1}
    (held,) = crawl.store.documents()
    assert held.content == "print version"


def test_copies_of_a_page_that_is_not_linked_are_one_document() -> None:
    crawl = ScriptedCrawl({HOME: links(A, B), A: [page(C)], B: [page(C)]})
    assert crawl.run(depth=1) == {"new": 1}
    assert crawl.stored == {"/c"}


def test_failures_say_where_the_link_stands_and_the_rest_goes_on() -> None:
    crawl = ScriptedCrawl({HOME: [page(HOME), *links(A, B)], A: FetchError(A, "HTTP 500")})
    assert crawl.run(depth=1) == {"new": 2, "failed": 1}
    assert crawl.report.failures[0].reason == f"HTTP 500 (linked from {HOME})"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("not a date"), "cannot be read (ValueError: not a date)"),
        (RecursionError("too deep\n  here"), "cannot be read (RecursionError: too deep here)"),
        (InvalidInput("not a URL: 'x'"), "not a URL: 'x'"),
        (ConfigurationError("LINKEDIN_USERNAME is not set"), "LINKEDIN_USERNAME is not set"),
    ],
)
def test_a_crawler_that_stumbles_costs_one_page(error: Exception, reason: str) -> None:
    crawl = ScriptedCrawl({HOME: [page(HOME), *links(A, B)], A: error})
    assert crawl.run(depth=1) == {"new": 2, "failed": 1}
    assert crawl.report.failures[0].reason == f"{reason} (linked from {HOME})"


class LimitedStore(InMemoryDocumentStore):
    """Has room for a number of documents; refuses one of them, and forgot another."""

    def __init__(self, room: int = 99, too_large: str = "", forgotten: str = "") -> None:
        super().__init__()
        self._room, self._too_large, self._forgotten = room, too_large, forgotten

    def save(self, document: Document) -> SaveOutcome:
        if document.url == self._too_large:
            raise DocumentError(document.url, "larger than the 16 MiB that MongoDB takes")
        if document.url == self._forgotten:
            return SaveOutcome.FORGOTTEN
        if self._room == 0:
            raise StoreUnavailable("MongoDB: no space left on device")
        self._room -= 1
        return super().save(document)


def test_a_store_that_fails_stops_the_run_and_what_is_left_goes_on_later() -> None:
    urls = [f"{HOME}{n}" for n in range(9)]
    crawl = ScriptedCrawl({HOME: links(*urls)}, store=LimitedStore(room=2))
    with pytest.raises(StoreUnavailable, match="no space left"):
        crawl.run(depth=1)
    assert len(crawl.stored) == 2, "what was taken is kept"
    assert crawl.crawler.urls == [HOME, *urls[:3]]
    crawl.store._room = 99  # type: ignore[attr-defined]
    assert crawl.run(depth=1) == {"new": 7}
    assert crawl.crawler.urls[4:] == urls[2:], "no finished page is fetched again"


def test_a_full_disk_stops_the_run() -> None:
    crawl = ScriptedCrawl({HOME: OSError(28, "No space left on device")})
    with pytest.raises(OSError, match="No space"):
        crawl.run()


def test_a_document_that_the_store_refuses_is_one_failure() -> None:
    crawl = ScriptedCrawl({HOME: [page(A), page(B)]}, store=LimitedStore(too_large=A))
    assert crawl.run() == {"new": 1, "failed": 1}
    assert crawl.letters.all()[0].stage == "store"


def test_a_document_that_was_forgotten_is_skipped() -> None:
    crawl = ScriptedCrawl({HOME: [page(A), page(B)]}, store=LimitedStore(forgotten=A))
    assert crawl.run() == {"new": 1, "skipped": 1}
    assert crawl.report.ok


def test_hosts_are_visited_a_few_at_a_time_and_after_their_delay() -> None:
    urls = [f"{HOME}{n}" for n in range(3)]
    crawl = ScriptedCrawl(
        {HOME: links(*urls)}, ScriptedRobots(crawl_delay_s=0.02), concurrency=8, per_host=8
    )
    assert crawl.run(depth=1) == {"new": 3}
    assert crawl.crawler.urls == [HOME, *urls], "one at a time"
