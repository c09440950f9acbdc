"""The contract of Browser, over the stand-in and over real Chromium."""

import threading
from collections.abc import Iterator
from typing import Protocol

import pytest
from pydantic import SecretStr

from llm_engineering.application.ports.browsing import Browser, RenderedPage
from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.browser.driver import BrowserDriver
from llm_engineering.infrastructure.browser.limits import BrowserLimits
from llm_engineering.infrastructure.browser.programs import find_programs
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.in_memory.browser import InMemoryBrowser, Shown
from tests.integration.crawlers.local_site import LocalSite, serve_site

LIMITS = BrowserLimits(wait_s=10.0, field_s=0.5, item_s=0.6, settle_s=2.0)
FORM = "<form action=/in><input name=who><input name=word type=password><button>Go</button></form>"
# shows three items more with each scroll
FEED = """<main>%s</main><script>
let last = 3;
addEventListener("scroll", () => setTimeout(() => { for (let i = 0; i < 3 && last < %d; i++) {
  const item = Object.assign(document.createElement("article"), {textContent: "item " + ++last});
  item.style = "height: 900px; display: block"; document.querySelector("main").append(item); } }));
</script>"""


def items(count: int) -> str:
    style = "height: 900px; display: block"
    return "".join(f"<article style='{style}'>item {n}</article>" for n in range(1, count + 1))


class Site(Protocol):
    """A site that the browser can reach; `browser` is made when the site is complete."""

    url: str

    def page(self, path: str, html: str) -> None: ...
    def redirect(self, path: str, to: str) -> None: ...
    def status(self, path: str, status: int) -> None: ...
    def form(self, path: str, after: str) -> None: ...
    def feed(self, path: str, count: int) -> None: ...
    def browser(self) -> Browser: ...


class MemorySite:
    """Pages of the stand-in."""

    url = "https://sky.example"

    def __init__(self) -> None:
        self.pages: dict[str, Shown] = {}
        self.submitted: dict[str, Shown] = {}
        self.scrolled: dict[str, list[str]] = {}

    def page(self, path: str, html: str) -> None:
        self.pages[self.url + path] = html

    def redirect(self, path: str, to: str) -> None:
        there = self.pages[self.url + to]
        assert isinstance(there, str)
        self.pages[self.url + path] = RenderedPage(url=self.url + to, html=there, status=200)

    def status(self, path: str, status: int) -> None:
        url = self.url + path
        self.pages[url] = RenderedPage(url=url, html="<p>no", status=status)

    def form(self, path: str, after: str) -> None:
        self.page(path, FORM)
        self.submitted[self.url + path] = RenderedPage(url=f"{self.url}/in", html=after)

    def feed(self, path: str, count: int) -> None:
        self.page(path, items(3))
        steps = [*range(6, count, 3), count, count]
        self.scrolled[self.url + path] = [items(step) for step in steps]

    def browser(self) -> Browser:
        refused = FetchError("https://inside.example/", "not a public address")
        pages = {**self.pages, "https://inside.example/": refused}
        return InMemoryBrowser(pages, submitted=self.submitted, scrolled=self.scrolled)


class ServedSite:
    """Pages on loopback, for the real browser."""

    def __init__(self, site: LocalSite, driver: BrowserDriver) -> None:
        self._site = site
        self._driver = driver
        self.url = site.url

    def page(self, path: str, html: str) -> None:
        self._site.add(path, html)

    def redirect(self, path: str, to: str) -> None:
        self._site.redirect(path, to)

    def status(self, path: str, status: int) -> None:
        self._site.status(path, status)

    def form(self, path: str, after: str) -> None:
        self.page(path, FORM)
        self.page("/in", after)

    def feed(self, path: str, count: int) -> None:
        self.page(path, FEED % (items(3), count))

    def browser(self) -> Browser:
        return self._driver


@pytest.fixture(scope="module")
def served() -> Iterator[ServedSite]:
    """One Chromium for the module: it takes seconds to start."""
    with serve_site() as site:
        policy = AddressPolicy(frozenset({site.host}), lambda host, _: [_address_of(host)])
        driver = BrowserDriver(lambda: find_programs(None, None), policy.addresses, limits=LIMITS)
        yield ServedSite(site, driver)
        driver.close()


def _address_of(host: str) -> str:
    return "127.0.0.1" if host == "127.0.0.1" else "10.0.0.1"


@pytest.fixture(params=["in_memory", "chromium"])
def site(request: pytest.FixtureRequest) -> Site:
    if request.param == "in_memory":
        return MemorySite()
    found: ServedSite = request.getfixturevalue("served")
    return found


def test_a_page_is_told_with_its_address_its_status_and_its_elements(site: Site) -> None:
    site.page("/", "<p id=a>Höhe &amp; 水</p>")
    with site.browser().page() as page:
        found = page.open(f"{site.url}/")
    assert (found.url, found.status) == (f"{site.url}/", 200)
    assert "Höhe &amp; 水" in found.html
    assert "Höhe" not in repr(found), "a page is too long to be printed"


def test_after_a_redirect_the_address_is_where_it_led(site: Site) -> None:
    site.page("/there", "<p>there</p>")
    site.redirect("/here", "/there")
    with site.browser().page() as page:
        found = page.open(f"{site.url}/here")
    assert found.url == f"{site.url}/there"
    assert "there" in found.html


@pytest.mark.parametrize("status", [403, 404, 410, 429, 503, 999])
def test_a_refusal_is_a_page_with_a_status_and_no_error(site: Site, status: int) -> None:
    site.status(f"/{status}", status)
    with site.browser().page() as page:
        assert page.open(f"{site.url}/{status}", wait_for="main").status == status


def test_a_page_that_is_not_there_is_told_as_such(site: Site) -> None:
    with site.browser().page() as page:
        assert page.open(f"{site.url}/nowhere").status == 404


@pytest.mark.parametrize("url", ["file:///etc/hostname", "about:blank", "data:text/html,x", ""])
def test_only_web_pages_are_opened(site: Site, url: str) -> None:
    with (
        site.browser().page() as page,
        pytest.raises(FetchError, match="allowed: http and https") as refused,
    ):
        page.open(url)
    assert refused.value.url == url
    assert not refused.value.transient


def test_what_is_refused_names_the_address_and_the_page_stays_usable(site: Site) -> None:
    site.page("/", "<p>here</p>")
    with site.browser().page() as page:
        with pytest.raises(FetchError, match="not a public address") as refused:
            page.open("https://inside.example/")
        assert refused.value.url == "https://inside.example/"
        assert "here" in page.open(f"{site.url}/").html


def test_an_element_that_is_there_is_not_waited_for(site: Site) -> None:
    site.page("/", "<main><p class=done>done</p></main>")
    with site.browser().page() as page:
        assert "done" in page.open(f"{site.url}/", wait_for="main .done, .other").html


def test_a_form_is_filled_in_and_what_follows_is_told(site: Site) -> None:
    site.form("/form", after="<p>welcome</p>")
    with site.browser().page() as page:
        page.open(f"{site.url}/form")
        word = SecretStr("made-up")
        found = page.submit({"input[name=who]": "Zoë", "input[name=word]": word}, "button")
    assert "welcome" in found.html
    assert found.url.startswith(f"{site.url}/in")


@pytest.mark.parametrize(
    ("field", "button", "missing"),
    [("#nothing", "button", "#nothing"), ("input[name=who]", "a.nothing", "a.nothing")],
)
def test_a_field_or_button_that_is_not_there_is_named(
    site: Site, field: str, button: str, missing: str
) -> None:
    site.form("/form", after="<p>welcome</p>")
    with site.browser().page() as page:
        page.open(f"{site.url}/form")
        with pytest.raises(FetchError) as failure:
            page.submit({field: "x"}, button)
    assert failure.value.reason == f"no {missing} on the page"
    assert failure.value.url == f"{site.url}/form"


@pytest.mark.parametrize("count", [3, 8])
def test_scrolling_ends_when_nothing_new_comes(site: Site, count: int) -> None:
    site.feed("/feed", count)
    with site.browser().page() as page:
        page.open(f"{site.url}/feed")
        found = page.scroll("article")
    assert found.html.count("<article") == count


def test_scrolling_ends_after_so_many_steps(site: Site) -> None:
    site.feed("/feed", 300)
    with site.browser().page() as page:
        page.open(f"{site.url}/feed")
        assert page.scroll("article", max_steps=0).html.count("<article") == 3
        found = page.scroll("article", max_steps=2)
    assert 6 <= found.html.count("<article") <= 15


def test_the_page_is_one_user_s_at_a_time(site: Site) -> None:
    site.page("/", "<p>here</p>")
    browser, order = site.browser(), list[str]()
    inside = threading.Event()

    def second() -> None:
        inside.wait(10)
        with browser.page() as page:
            order.append("second")
            assert "here" in page.open(f"{site.url}/").html

    thread = threading.Thread(target=second)
    thread.start()
    with browser.page() as page:
        inside.set()
        thread.join(0.3)
        page.open(f"{site.url}/")
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]


def test_an_error_of_the_user_frees_the_page(site: Site) -> None:
    site.page("/", "<p>here</p>")
    browser = site.browser()
    with pytest.raises(KeyError, match="mine"), browser.page() as page:
        page.open(f"{site.url}/")
        raise KeyError("mine")
    with browser.page() as page:
        assert "here" in page.open(f"{site.url}/").html


def test_a_closed_browser_may_be_used_again(site: Site) -> None:
    site.page("/", "<p>here</p>")
    browser = site.browser()
    for _ in range(2):
        with browser.page() as page:
            assert "here" in page.open(f"{site.url}/").html
        browser.close()
        browser.close()
