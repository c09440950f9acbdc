"""Pages in real Chromium: what scripts make of them, forms, scrolling, bounds and crashes."""

import logging
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from llm_engineering.application.ports.crawling import Target
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.browser.driver import BrowserDriver
from llm_engineering.infrastructure.crawlers.article import ArticleCrawler
from llm_engineering.infrastructure.crawlers.rendering import RenderingFetcher
from tests.integration.browser.conftest import Reach
from tests.integration.browser.processes import descendants
from tests.integration.crawlers.local_site import LocalSite
from tests.loopback import free_port

FEED = """<html><body><main></main><script>
let last = 0;
const add = () => { for (let i = 0; i < 3 && last < %d; i++) {
  const item = Object.assign(document.createElement("article"), {textContent: "item " + ++last});
  item.style = "height: 900px; display: block"; document.querySelector("main").append(item); } };
add(); addEventListener("scroll", () => setTimeout(add, 100));
</script></body></html>"""


def free_address() -> str:
    """Returns a host and port of loopback where nobody listens."""
    return f"127.0.0.1:{free_port()}"


def test_scripts_make_the_page(browser: BrowserDriver, site: LocalSite) -> None:
    site.add("/", "<p id=a></p><script>setTimeout(() => a.textContent = 'made', 300)</script>")
    site.redirect("/old", "/")
    with browser.page() as page:
        found = page.open(f"{site.url}/old")
    assert ">made<" in found.html
    assert (found.url, found.status) == (f"{site.url}/", 200)


def test_a_form_is_filled_in_and_what_is_typed_is_not_logged(
    browser: BrowserDriver, site: LocalSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site.add("/", "<form action=/in><input name=word type=password><button>Go</button></form>")
    site.add("/in", "<p>welcome</p>")
    with browser.page() as page:
        page.open(f"{site.url}/")
        found = page.submit({"input[name=word]": SecretStr("canary-word")}, "button")
    assert found.url == f"{site.url}/in?word=canary-word"
    assert "welcome" in found.html
    assert "canary-word" not in caplog.text


def test_a_missing_field_is_told(browser: BrowserDriver, site: LocalSite) -> None:
    site.add("/", "<p>no form</p>")
    with browser.page() as page:
        page.open(f"{site.url}/")
        with pytest.raises(FetchError, match="no #field on the page"):
            page.submit({"#field": "x"}, "button")


def test_scrolling_ends_when_nothing_new_appears(browser: BrowserDriver, site: LocalSite) -> None:
    site.add("/", FEED % 10)
    with browser.page() as page:
        page.open(f"{site.url}/")
        found = page.scroll("article")
    assert found.html.count("<article") == 10


def test_scrolling_is_bounded(browser: BrowserDriver, site: LocalSite) -> None:
    site.add("/", FEED % 1_000_000)
    with browser.page() as page:
        page.open(f"{site.url}/")
        found = page.scroll("article", max_steps=2)
    assert 3 <= found.html.count("<article") <= 12


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "chrome://version", "data:text/html,x", ""]
)
def test_only_web_pages_are_opened(browser: BrowserDriver, url: str) -> None:
    with browser.page() as page, pytest.raises(FetchError, match="allowed: http and https"):
        page.open(url)


def test_a_refused_host_is_named_with_the_reason(browser: BrowserDriver, site: LocalSite) -> None:
    elsewhere = f"http://{free_address()}/"
    site.redirect("/away", elsewhere)
    site.add("/meta", f"<meta http-equiv=refresh content='0;url={elsewhere}'>")
    with browser.page() as page:
        for url in (elsewhere, f"{site.url}/away", f"{site.url}/meta"):
            with pytest.raises(FetchError, match="not a public address") as refusal:
                page.open(url)
            assert not refusal.value.transient


def test_a_host_that_is_down_may_come_back(
    browser: BrowserDriver, site: LocalSite, reach: Reach
) -> None:
    down = free_address()
    reach.allowed.add(down)
    with browser.page() as page, pytest.raises(FetchError) as failure:
        page.open(f"http://{down}/")
    assert failure.value.transient


def test_a_status_is_told(browser: BrowserDriver, site: LocalSite) -> None:
    site.status("/999", 999)
    with browser.page() as page:
        assert page.open(f"{site.url}/999").status == 999
        assert page.open(f"{site.url}/absent").status == 404


def test_sizes_are_bounded(browser: BrowserDriver, site: LocalSite) -> None:
    site.add("/long", "<p>x</p><script>document.body.append('x'.repeat(400000))</script>")
    site.add("/heavy", b"<p>" + b"x" * 5_000_000)
    with browser.page() as page:
        with pytest.raises(FetchError, match="larger than 300,000 characters"):
            page.open(f"{site.url}/long")
        with pytest.raises(FetchError, match="loads more than it may"):
            page.open(f"{site.url}/heavy")


def test_a_download_is_no_page(browser: BrowserDriver, site: LocalSite, tmp_path: Path) -> None:
    site.add("/file", b"abc", Content_Type="application/zip", Content_Disposition="attachment")
    with browser.page() as page, pytest.raises(FetchError, match="a download"):
        page.open(f"{site.url}/file")


def test_the_next_page_works_after_a_crash(browser: BrowserDriver, site: LocalSite) -> None:
    site.add("/", "<p>still here</p>")
    with browser.page() as page:
        page.open(f"{site.url}/")
        killed = [pid for pid, line in descendants(os.getpid()) if "--headless" in line]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert "still here" in page.open(f"{site.url}/").html
    assert killed


def test_what_a_page_opens_ends_with_it(browser: BrowserDriver, site: LocalSite) -> None:
    site.add("/", "<p>x</p><script>window.open('/other'); alert('stop')</script>")
    site.add("/other", "<script>setInterval(() => fetch('/tick'), 50)</script>")
    with browser.page() as page:
        page.open(f"{site.url}/")
    with browser.page() as page:
        assert len(page._running().driver.window_handles) == 1


def test_an_article_is_read_that_only_its_scripts_write(
    browser: BrowserDriver, site: LocalSite
) -> None:
    site.add(
        "/",
        "<html><head><title>Tides</title></head><body><div id=app></div><script>"
        "setTimeout(() => { app.innerHTML = '<main><h1>Tides</h1><p>' +"
        "'The moon pulls the sea towards itself twice a day. '.repeat(8) + '</p></main>' }, 200)"
        "</script></body></html>",
    )
    crawler = ArticleCrawler(RenderingFetcher(browser), lambda: datetime(2026, 1, 2, tzinfo=UTC))
    _, article = list(crawler.visit(Target(url=f"{site.url}/")))
    assert isinstance(article, ArticleDocument)
    assert "The moon pulls the sea" in article.content
