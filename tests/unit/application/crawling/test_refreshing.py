"""Later runs: what is asked for again, what counts as unchanged, what is gone, what is retried."""

from datetime import UTC, datetime

import pytest

from llm_engineering.application.crawling.recollection import MOST_TARGETS
from llm_engineering.application.ports.crawling import (
    Finding,
    Link,
    Target,
    Validators,
    Visited,
)
from llm_engineering.domain.errors import FetchError, PageGone
from llm_engineering.domain.ids import document_id
from tests.unit.application.crawling.scripted_crawls import HOME, Script, ScriptedCrawl, links, page

A, B, C = (f"{HOME}{name}" for name in "abc")
MAP = f"{HOME}sitemap.xml"
TAGGED = Validators(etag='"1"')
DOWN = FetchError(A, "HTTP 503", transient=True)


def conditional(*found: Finding) -> Script:
    """A page whose server says that nothing changed to whoever sends its tag along."""

    def script(target: Target) -> list[Finding]:
        same = target.validators == TAGGED
        visited = Visited(url=target.url, validators=TAGGED, unchanged=same)
        return [visited] if same else [visited, *found]

    return script


def test_a_page_that_did_not_change_is_not_sent_again_and_its_links_are_followed() -> None:
    crawl = ScriptedCrawl({HOME: conditional(page(HOME), *links(A)), A: conditional(page(A))})
    assert crawl.run(depth=1) == {"new": 2}
    assert crawl.run(depth=1) == {"unchanged": 2}
    assert crawl.run(depth=1) == {"unchanged": 2}, "the tag is kept"
    assert [one.validators for one in crawl.crawler.visits[2:]] == [TAGGED] * 4
    assert crawl.crawler.urls == [HOME, A] * 3


FOLDER: list[Finding] = [page(A), FetchError(B, "a scan without text"), page(C)]


def test_a_folder_with_a_file_that_never_works_still_notices_what_is_gone() -> None:
    crawl = ScriptedCrawl({HOME: FOLDER})
    assert crawl.run() == {"new": 2, "failed": 1}
    crawl.crawler.scripts[HOME] = FOLDER[:2]
    assert crawl.run() == {"unchanged": 1, "gone": 1, "failed": 1}
    assert crawl.stored == {"/a"}


def test_a_file_that_fails_once_is_not_gone_and_is_read_again() -> None:
    crawl = ScriptedCrawl({HOME: conditional(page(A), page(B))})
    assert crawl.run() == {"new": 2}
    crawl.crawler.scripts[HOME] = [page(A), FetchError(B, "HTTP 503", transient=True)]
    assert crawl.run() == {"unchanged": 1, "failed": 1}
    assert crawl.stored == {"/a", "/b"}
    crawl.crawler.scripts[HOME] = conditional(page(A))
    assert crawl.run() == {"unchanged": 1, "gone": 1}
    assert crawl.crawler.visits[-1].validators == Validators(), "nothing was taken as unchanged"
    assert crawl.stored == {"/a"}


def test_a_folder_that_breaks_off_says_nothing_about_what_is_gone() -> None:
    crawl = ScriptedCrawl({HOME: [page(A), page(B)]})
    crawl.run()
    crawl.crawler.scripts[HOME] = [page(A), FetchError(HOME, "the clone broke off")]
    assert crawl.run() == {"unchanged": 1, "failed": 1}
    assert crawl.stored == {"/a", "/b"}


@pytest.mark.parametrize("change", [{"author": "Ada"}, {"depth": 1}])
def test_a_page_is_read_anew_when_the_link_says_something_else(change: dict[str, object]) -> None:
    crawl = ScriptedCrawl({HOME: conditional(page(HOME))})
    crawl.run()
    crawl.run(**change)
    assert crawl.crawler.visits[1].validators == Validators()


def test_a_page_that_named_more_than_is_kept_is_read_anew() -> None:
    many = [Target(url=f"{HOME}{n}", listed=True) for n in range(MOST_TARGETS + 1)]
    feed = f"{HOME}feed"
    crawl = ScriptedCrawl({feed: conditional(*many)})
    for _ in range(2):
        crawl.run(Link(url=feed, max_pages=1))
    assert [one.validators for one in crawl.crawler.visits if one.url == feed] == [Validators()] * 2


def test_a_changed_page_is_a_new_revision_of_its_document() -> None:
    crawl = ScriptedCrawl({HOME: [page(HOME, "Ebb.")]})
    crawl.run()
    crawl.crawler.scripts[HOME] = [page(HOME, "Flow.")]
    assert crawl.run() == {"changed": 1}
    assert len(crawl.store.revisions(document_id(HOME))) == 2


def test_what_failed_is_asked_for_without_condition_in_the_next_run() -> None:
    crawl = ScriptedCrawl({HOME: [Visited(url=HOME, validators=TAGGED), FetchError(HOME, "torn")]})
    assert crawl.run() == {"failed": 1}
    crawl.crawler.scripts[HOME] = conditional(page(HOME))
    assert crawl.run() == {"new": 1}


def entry(url: str, day: int) -> Target:
    modified = datetime(2026, 11, day, tzinfo=UTC)
    return Target(url=url, listed=True, modified=modified)


def test_a_page_whose_lastmod_stands_still_is_not_asked_for() -> None:
    crawl = ScriptedCrawl({MAP: [entry(A, 1), entry(B, 1)]})
    link = Link(url=MAP, sitemap=True)
    assert crawl.run(link) == {"new": 2}
    crawl.crawler.scripts[MAP] = [entry(A, 1), entry(B, 2)]
    assert crawl.run(link) == {"unchanged": 2}
    assert crawl.crawler.urls[3:] == [MAP, B]


@pytest.mark.parametrize("known", [True, False])
def test_a_page_that_is_not_there_any_more_is_gone_and_a_dead_link_is_a_failure(
    known: bool,
) -> None:
    crawl = ScriptedCrawl({HOME: links(A)})
    if known:
        crawl.run(depth=1)
    crawl.crawler.scripts[A] = PageGone(A, "HTTP 404 Not Found")
    assert crawl.run(depth=1) == ({"gone": 1} if known else {"failed": 1})
    assert not crawl.stored
    assert bool(crawl.letters.all()) is not known
    crawl.crawler.scripts[A] = [page(A)]
    assert crawl.run(depth=1) == ({"changed": 1} if known else {"new": 1}), "it is back"
    assert not crawl.letters.all()


def test_files_that_a_repository_has_no_longer_are_gone() -> None:
    crawl = ScriptedCrawl({HOME: [page(A), page(B)]})
    crawl.run()
    crawl.crawler.scripts[HOME] = [page(B)]
    assert crawl.run() == {"unchanged": 1, "gone": 1}
    assert crawl.stored == {"/b"}


@pytest.mark.parametrize("failing", [True, False])
def test_what_a_torn_visit_or_a_feed_does_not_give_is_not_gone(failing: bool) -> None:
    url = HOME if failing else f"{HOME}feed"
    crawl = ScriptedCrawl({url: [page(A), page(B)]})
    crawl.run(Link(url=url))
    crawl.crawler.scripts[url] = [page(A), *([FetchError(B, "torn")] * failing)]
    crawl.run(Link(url=url))
    assert crawl.stored == {"/a", "/b"}


def test_a_document_that_another_page_gives_now_is_not_gone() -> None:
    crawl = ScriptedCrawl({HOME: links(A, B), A: [page(C)], B: [page(B)]})
    crawl.run(depth=1)
    crawl.crawler.scripts |= {A: [page(A)], B: [page(C)]}
    crawl.run(depth=1)
    crawl.run(depth=1)
    assert "/c" in crawl.stored


def test_a_page_is_gone_when_the_sitemap_leaves_it_out_for_long_enough() -> None:
    crawl = ScriptedCrawl({MAP: [entry(A, 1), entry(B, 1)]}, missing_runs=3)
    link = Link(url=MAP, sitemap=True)
    crawl.run(link)
    crawl.crawler.scripts[MAP] = [entry(A, 1)]
    assert [crawl.run(link) for _ in range(2)] == [{"unchanged": 1}] * 2
    assert crawl.stored == {"/a", "/b"}
    crawl.crawler.scripts[MAP] = [entry(A, 1), entry(B, 1)]
    crawl.run(link)
    crawl.crawler.scripts[MAP] = [entry(A, 1)]
    assert [crawl.run(link) for _ in range(2)] == [{"unchanged": 1}] * 2, "it counts anew"
    assert crawl.run(link) == {"unchanged": 1, "gone": 1}
    assert crawl.stored == {"/a"}
    assert crawl.run(link) == {"unchanged": 1}


def test_a_sitemap_that_was_torn_makes_nothing_gone() -> None:
    crawl = ScriptedCrawl({MAP: [entry(A, 1)]}, missing_runs=1)
    link = Link(url=MAP, sitemap=True)
    crawl.run(link)
    crawl.crawler.scripts[MAP] = [FetchError(MAP, "HTTP 503", transient=True)]
    crawl.run(link)
    assert crawl.stored == {"/a"}


def test_a_page_beyond_the_page_limit_is_not_missing() -> None:
    crawl = ScriptedCrawl({MAP: [entry(A, 1), entry(B, 1)]}, missing_runs=1)
    crawl.run(Link(url=MAP, sitemap=True))
    crawl.crawler.scripts[MAP] = [entry(C, 1), entry(A, 1), entry(B, 1)]
    crawl.run(Link(url=MAP, sitemap=True, max_pages=1))
    assert crawl.stored == {"/a", "/b", "/c"}


def test_a_failure_is_kept_with_all_that_is_needed_to_try_again() -> None:
    crawl = ScriptedCrawl({HOME: links(A, B), A: DOWN})
    crawl.run(depth=1)
    (letter,) = crawl.letters.all()
    assert (letter.url, letter.stage, letter.transient, letter.attempts) == (A, "fetch", True, 1)
    assert letter.reason == f"HTTP 503 (linked from {HOME})"
    assert (letter.link.url, letter.target.url, letter.target.found_on) == (HOME, A, HOME)
    crawl.run(depth=1)
    assert [one.attempts for one in crawl.letters.all()] == [2]


def test_a_retry_visits_only_what_failed_and_goes_on_from_there() -> None:
    crawl = ScriptedCrawl({HOME: links(A, B), A: DOWN})
    crawl.run(depth=2, max_pages=3)
    crawl.crawler.scripts[A] = [page(A), *links(C)]
    crawl.crawler.visits.clear()
    report = crawl.engine.retry(crawl.letters.all(), lambda _: None)
    assert crawl.crawler.urls == [A, C]
    assert [(row.link, row.new, row.failed) for row in report.rows] == [(HOME, 2, 0)]
    assert not crawl.letters.all()


def test_a_retry_that_fails_again_is_counted() -> None:
    crawl = ScriptedCrawl({HOME: links(A), A: DOWN})
    crawl.run(depth=1)
    for attempts in (2, 3):
        report = crawl.engine.retry(crawl.letters.all(), lambda _: None)
        assert report.failures[0].reason == f"HTTP 503 (linked from {HOME})"
        assert [one.attempts for one in crawl.letters.all()] == [attempts]


def test_a_retry_of_nothing_does_nothing() -> None:
    crawl = ScriptedCrawl({})
    assert crawl.engine.retry([], lambda _: None).rows == ()
    assert not crawl.crawler.visits
