"""A page in the browser: what is waited for, for how long, and what each failure becomes."""

import pytest
from pydantic import SecretStr
from selenium.common.exceptions import (
    InvalidSessionIdException,
    NoSuchElementException,
    TimeoutException,
    WebDriverException,
)

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.browser.limits import BrowserLimits
from tests.unit.infrastructure.browser.scripted_driver import (
    SITE,
    Element,
    Pages,
    ScriptedDriver,
)

CRASH = WebDriverException("disconnected: not connected to DevTools")


def test_a_page_is_told_with_its_address_after_redirects_and_its_status() -> None:
    pages = Pages(ScriptedDriver(shown_url=f"{SITE}new", status=203))
    found = pages.page.open(f"{SITE}old")
    assert (found.url, found.status, found.html) == (f"{SITE}new", 203, "<p>hello</p>")
    assert pages.session.proxy.resets == 1, "bytes are counted for each page"


def test_a_page_is_read_when_its_text_has_been_still_for_a_moment() -> None:
    pages = Pages(ScriptedDriver(texts=[1, 2, 3, 3]))
    pages.page.open(SITE)
    assert 0.5 <= pages.clock.now_s <= 1.0


def test_a_page_that_never_settles_is_read_all_the_same() -> None:
    pages = Pages(ScriptedDriver(texts=list(range(1_000))))
    assert pages.page.open(SITE).html
    assert 5.0 <= pages.clock.now_s < 5.5


def test_a_page_that_never_finishes_loading_is_read_as_it_is() -> None:
    pages = Pages(ScriptedDriver(complete=False, failures=[TimeoutException("renderer")]))
    assert pages.page.open(SITE).html == "<p>hello</p>"
    assert pages.discarded == []


def test_an_element_is_waited_for() -> None:
    driver = ScriptedDriver()
    pages = Pages(driver)
    sleep = pages.clock.sleep

    def appear(seconds: float) -> None:
        sleep(seconds)
        if pages.clock.now_s >= 1:
            driver.elements["main"] = [Element()]

    pages.page._sleep = appear
    pages.page.open(SITE, wait_for="main")
    assert 1.0 <= pages.clock.now_s < 1.5


def test_an_element_that_never_comes_costs_the_time_of_the_limit_and_no_more() -> None:
    pages = Pages(limits=BrowserLimits(wait_s=3.0))
    assert pages.page.open(SITE, wait_for="main").html
    assert 3.0 <= pages.clock.now_s < 3.5


@pytest.mark.parametrize("status", [400, 404, 500, 999])
def test_on_a_refusing_page_nothing_is_waited_for(status: int) -> None:
    pages = Pages(ScriptedDriver(status=status))
    assert pages.page.open(SITE, wait_for="main").status == status
    assert pages.clock.now_s == 0


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "about:blank", "javascript:1", "//host/", "http://", "", "x"]
)
def test_what_is_no_web_address_does_not_reach_the_browser(url: str) -> None:
    pages = Pages()
    with pytest.raises(FetchError, match="allowed: http and https") as refusal:
        pages.page.open(url)
    assert refusal.value.url == url
    assert pages.session.driver.visited == []


@pytest.mark.parametrize("url", ["http://sky.example:99999/", "http://[::1/", "http://a:b/"])
def test_a_malformed_address_is_refused_as_one(url: str) -> None:
    pages = Pages()
    with pytest.raises(FetchError, match="allowed: http and https"):
        pages.page.open(url)
    assert pages.session.driver.visited == []


@pytest.mark.parametrize(("reason", "transient"), [("not a public address", False), ("down", True)])
def test_a_refused_host_does_not_reach_the_browser(reason: str, transient: bool) -> None:
    pages = Pages(inside=reason)
    with pytest.raises(FetchError, match=reason) as refusal:
        pages.page.open("http://inside.example/x")
    assert refusal.value.url == "http://inside.example/x"
    assert refusal.value.transient is transient
    assert pages.session.driver.visited == []


def test_a_browser_that_crashes_is_started_again_once() -> None:
    pages = Pages(ScriptedDriver(failures=[CRASH]), ScriptedDriver(html="second"))
    assert pages.page.open(SITE).html == "second"
    assert len(pages.discarded) == 1


def test_a_page_that_crashes_every_browser_is_given_up() -> None:
    pages = Pages(*(ScriptedDriver(failures=[CRASH]) for _ in range(3)))
    with pytest.raises(FetchError, match="crashed on this page") as failure:
        pages.page.open(SITE)
    assert failure.value.transient
    assert failure.value.url == SITE
    assert len(pages.discarded) == 2


def test_a_page_that_hangs_takes_its_browser_with_it() -> None:
    driver = ScriptedDriver()
    pages = Pages(driver)
    pages.page.open(SITE)
    driver.execute_script = _hang  # type: ignore[method-assign]
    with pytest.raises(FetchError, match="the page hangs") as failure:
        pages.page.scroll("article")
    assert failure.value.transient
    assert len(pages.discarded) == 1


def _hang(script: str, *arguments: object) -> object:
    raise TimeoutException("timeout: Timed out receiving message from renderer")


@pytest.mark.parametrize(
    ("message", "reason", "transient"),
    [
        ("unknown error: net::ERR_CONNECTION_REFUSED", "connection refused", True),
        ("unknown error: net::ERR_NAME_NOT_RESOLVED", "name not resolved", False),
        ("unknown error: net::ERR_ABORTED", "not a page: a download", False),
    ],
)
def test_why_a_page_did_not_come_is_told(message: str, reason: str, transient: bool) -> None:
    pages = Pages(ScriptedDriver(failures=[WebDriverException(message)]))
    with pytest.raises(FetchError, match=reason) as failure:
        pages.page.open(SITE)
    assert failure.value.transient is transient
    assert pages.discarded == [], "the browser is well"


def test_what_the_proxy_knows_comes_before_what_chromium_says() -> None:
    failure = WebDriverException("unknown error: net::ERR_TUNNEL_CONNECTION_FAILED")
    pages = Pages(ScriptedDriver(failures=[failure]))
    pages.session.proxy.refusals["sky.example", 443] = FetchError("sky.example", "not public")
    with pytest.raises(FetchError, match="not public") as told:
        pages.page.open(SITE)
    assert (told.value.url, told.value.transient) == (SITE, False)


def test_the_refusal_of_another_port_is_not_this_page_s() -> None:
    pages = Pages(ScriptedDriver(failures=[WebDriverException("net::ERR_EMPTY_RESPONSE")]))
    pages.session.proxy.refusals["sky.example", 80] = FetchError("sky.example", "not public")
    with pytest.raises(FetchError, match="does not answer"):
        pages.page.open(SITE)


def test_an_error_page_of_the_browser_is_no_page() -> None:
    driver = ScriptedDriver(shown_url="chrome-error://chromewebdata/")
    with pytest.raises(FetchError, match="leads to no page") as failure:
        Pages(driver).page.open(SITE)
    assert failure.value.url == SITE


def test_an_error_page_names_the_host_that_was_refused() -> None:
    driver = ScriptedDriver(shown_url="chrome-error://chromewebdata/")
    pages = Pages(driver)
    pages.session.proxy.refusals["sky.example", 443] = FetchError("x", "refused", transient=True)
    with pytest.raises(FetchError, match=f"{SITE}: refused") as failure:
        pages.page.open(SITE)
    assert failure.value.transient


@pytest.mark.parametrize(("length", "fits"), [(100, True), (101, False)])
def test_the_length_of_a_page_is_bounded(length: int, fits: bool) -> None:
    pages = Pages(ScriptedDriver(html="x" * length), limits=BrowserLimits(max_html_bytes=100))
    if fits:
        assert len(pages.page.open(SITE).html) == length
    else:
        with pytest.raises(FetchError, match="larger than 100 characters"):
            pages.page.open(SITE)


def test_a_page_that_loads_without_end_is_refused() -> None:
    pages = Pages()
    pages.session.proxy.exhausted = True
    with pytest.raises(FetchError, match="loads more than it may"):
        pages.page.open(SITE)


def test_fields_are_emptied_typed_in_order_and_the_button_is_clicked() -> None:
    driver = ScriptedDriver()
    pages = Pages(driver)
    name, word = Element(), Element()
    go = Element(on_click=lambda: setattr(driver, "current_url", f"{SITE}in"))
    driver.elements = {"#name": [name], "#word": [word], "button": [go]}
    pages.page.open(SITE)
    found = pages.page.submit({"#name": "Zoë", "#word": SecretStr("made-up")}, "button")
    assert (name.text, word.text) == ("Zoë", "made-up")
    assert found.url == f"{SITE}in"


def test_the_page_after_a_form_is_read_when_its_text_is_still() -> None:
    driver = ScriptedDriver()
    pages = Pages(driver)
    pages.page.open(SITE)

    def follow() -> None:
        driver.current_url = f"{SITE}in"
        driver.texts = [1, 2, 3, 4, 4]

    driver.elements = {"button": [Element(on_click=follow)]}
    begun = pages.clock.now_s
    pages.page.submit({}, "button")
    assert 0.6 <= pages.clock.now_s - begun <= 1.2


def test_a_field_that_is_hidden_is_not_typed_into() -> None:
    hidden, shown = Element(shown=False), Element()
    driver = ScriptedDriver(elements={"input": [hidden, shown], "button": [Element()]})
    pages = Pages(driver, limits=BrowserLimits(wait_s=0.2))
    pages.page.open(SITE)
    pages.page.submit({"input": "x"}, "button")
    assert (hidden.text, shown.text) == ("old", "x")


@pytest.mark.parametrize("missing", ["#name", "button"])
def test_a_missing_field_or_button_is_named_after_its_time(missing: str) -> None:
    elements = {name: [Element()] for name in ("#name", "button") if name != missing}
    pages = Pages(ScriptedDriver(elements=elements), limits=BrowserLimits(field_s=2.0))
    pages.page.open(SITE)
    begun = pages.clock.now_s
    with pytest.raises(FetchError, match=f"no {missing} on the page") as failure:
        pages.page.submit({"#name": "x"}, "button")
    assert not failure.value.transient
    assert 2.0 <= pages.clock.now_s - begun < 2.5


def test_what_follows_a_form_may_be_an_element_of_the_same_page() -> None:
    driver = ScriptedDriver(elements={"#name": [Element()]})
    driver.elements["button"] = [
        Element(on_click=lambda: driver.elements.update({"#error": [Element()]}))
    ]
    pages = Pages(driver)
    pages.page.open(SITE)
    begun = pages.clock.now_s
    assert pages.page.submit({"#name": "x"}, "button", wait_for="#error").url == SITE
    assert pages.clock.now_s - begun < 1.0


def test_an_element_that_goes_while_it_is_used_fails_the_page_alone() -> None:
    def gone() -> None:
        raise NoSuchElementException("no such element: it was replaced\nStacktrace")

    pages = Pages(ScriptedDriver(elements={"button": [Element(on_click=gone)]}))
    pages.page.open(SITE)
    with pytest.raises(FetchError, match=r"no such element: it was replaced$"):
        pages.page.submit({}, "button")
    assert pages.discarded == []


def test_scrolling_goes_on_while_the_page_grows() -> None:
    driver = ScriptedDriver(extent=(3, 900), growth=[(6, 1800), (6, 2400), (7, 2400)])
    pages = Pages(driver)
    pages.page.open(SITE)
    found = pages.page.scroll("article", more="button.more")
    assert (found.url, found.html) == (SITE, driver.html)
    assert driver.scrolled == ["button.more"] * 4, "three that brought something, and the last"


@pytest.mark.parametrize("most", [0, 1, 5])
def test_scrolling_is_bounded_by_steps(most: int) -> None:
    driver = ScriptedDriver(growth=[(number, number) for number in range(1, 100)])
    pages = Pages(driver)
    pages.page.open(SITE)
    pages.page.scroll("article", max_steps=most)
    assert len(driver.scrolled) == most


def test_new_items_are_waited_for_no_longer_than_their_time() -> None:
    pages = Pages(limits=BrowserLimits(item_s=1.0))
    pages.page.open(SITE)
    begun = pages.clock.now_s
    pages.page.scroll("article")
    assert 1.0 <= pages.clock.now_s - begun < 1.3


def test_leaving_closes_what_the_page_opened_and_stops_its_scripts() -> None:
    driver = ScriptedDriver(handles=["first", "second", "third"])
    pages = Pages(driver)
    pages.page.open(SITE)
    pages.page.leave()
    assert driver.closed == ["second", "third"]
    assert driver.window == "first"
    assert driver.visited[-1] == "about:blank"


def test_a_page_that_was_never_opened_starts_no_browser_to_leave() -> None:
    pages = Pages()
    pages.page.leave()
    assert pages.session.driver.visited == []


@pytest.mark.parametrize(
    "failure", [InvalidSessionIdException("gone"), WebDriverException("odd"), OSError("broken")]
)
def test_a_page_that_cannot_be_left_ends_the_browser(failure: Exception) -> None:
    driver = ScriptedDriver()
    pages = Pages(driver)
    pages.page.open(SITE)
    driver.failures = [failure]
    pages.page.leave()
    assert pages.discarded, "the next page gets a new browser"
