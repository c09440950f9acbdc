"""The page in a real browser: asked, read, rated and searched, over hostile sources and models."""

import secrets
import time
from datetime import UTC, datetime

from selenium.webdriver.common.keys import Keys

from llm_engineering.application.access.keys import make_key
from llm_engineering.domain.answers import Turn
from llm_engineering.domain.api_keys import Scope
from llm_engineering.domain.feedback import Vote
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.types import DataCategory
from llm_engineering.infrastructure.in_memory.api_key_store import InMemoryApiKeyStore
from llm_engineering.serving.access import KeyRing, OpenTo
from tests.integration.page.conftest import House, Reader
from tests.integration.page.scripted import BELL, CANARY, QUOTES

QUESTION = "How fast does the lamp turn?"


def ask_to_the_end(house: House, reader: Reader) -> None:
    house.keeper.go.set()
    reader.ask(QUESTION)
    reader.one("#answer .facts", "local:keeper")


def test_an_answer_streams_and_then_has_its_sources_beside_it(house: House, reader: Reader) -> None:
    reader.ask(QUESTION)
    assert reader.one("#answer .unchecked", "The lamp turns").text == "The lamp turns"
    assert reader.one("#sources h4").text == "Found"
    assert reader.none("#feedback")
    house.keeper.go.set()
    reader.one("#answer .facts", "local:keeper")
    assert reader.one("#answer .unsupported").text == "Ships like both."
    assert reader.one("#sources section", "Sources")
    assert reader.one("#sources section", "Also read")
    assert "release-7" in reader.one("#status").text
    assert "1,234" in reader.one("#status").text


def test_a_mark_opens_its_source_with_the_quote_highlighted(house: House, reader: Reader) -> None:
    ask_to_the_end(house, reader)
    assert reader.none("#sources .passage")
    reader.one("#answer a.mark", "1").click()
    assert reader.one("#sources mark").text == QUOTES[0]
    original = reader.one("#sources a.original")
    assert original.get_attribute("href") == "https://lights.example/lamp"
    assert "noopener" in (original.get_attribute("rel") or "")


def test_a_click_opens_a_source_too(house: House, reader: Reader) -> None:
    ask_to_the_end(house, reader)
    reader.one("#sources summary", "The fog bell").click()
    assert reader.one("#sources mark").text == QUOTES[1]
    assert BELL.splitlines()[0] in reader.one("#sources .passage").text


def test_what_is_open_stays_open_while_the_answer_goes_on(house: House, reader: Reader) -> None:
    reader.ask(QUESTION)
    reader.one("#answer .unchecked", "The lamp turns")
    reader.one("#sources summary", "Supplies").click()
    assert "Boats bring oil" in reader.one("#sources .passage").text
    house.keeper.go.set()
    reader.one("#answer .facts", "local:keeper")


def test_a_follow_up_knows_what_was_said_and_the_earlier_answer_stays(
    house: House, reader: Reader
) -> None:
    ask_to_the_end(house, reader)
    reader.write("#question textarea", f"And in fog?{Keys.ENTER}")
    reader.one("#answer h3", "And in fog?")
    reader.one("#answer .facts")
    assert QUESTION in reader.one("#past h3").text
    first, second = house.keeper.requests
    assert first.history == ()
    assert second.history[0] == Turn(role="user", text=QUESTION)
    assert second.history[1].role == "assistant"
    reader.one("#past a.mark", "1").click()
    assert reader.one("#past mark").text == QUOTES[0]


def test_feedback_is_recorded_with_the_answer_that_it_is_about(
    house: House, reader: Reader
) -> None:
    ask_to_the_end(house, reader)
    reader.write("#better textarea", "Once in forty seconds.")
    reader.one("#down").click()
    reader.one("#thanks", "Thank you")
    assert reader.none("#feedback")
    (kept,) = house.feedback.rated()
    assert kept.question == QUESTION
    assert kept.feedback
    assert kept.feedback.vote is Vote.DOWN
    assert kept.feedback.better_answer == "Once in forty seconds."


def test_filters_restrict_the_question_and_a_wrong_one_is_named(
    house: House, reader: Reader
) -> None:
    reader.write("#authors textarea, #authors input", "Ada Lovelace, Grace Hopper")
    reader.one("#categories label", "articles").click()
    reader.write("#from textarea, #from input", "2024-13-01")
    reader.ask(QUESTION)
    assert "From: '2024-13-01' is no day" in reader.one("#answer .problem").text
    assert house.keeper.requests == []
    reader.write("#from textarea, #from input", "2024-12-01")
    ask_to_the_end(house, reader)
    filters = house.keeper.requests[0].query.filters
    assert filters.authors == ("Ada Lovelace", "Grace Hopper")
    assert filters.categories == (DataCategory.ARTICLES,)
    assert filters.published_from == datetime(2024, 12, 1, tzinfo=UTC)


def test_why_not_says_stage_by_stage_what_became_of_a_document(
    house: House, reader: Reader
) -> None:
    house.keeper.extra = CANARY
    reader.one("button", "Why not?").click()
    reader.write("#why-question textarea, #why-question input", QUESTION)
    reader.write("#why-url textarea, #why-url input", "https://lights.example/bell")
    reader.one("#why").click()
    assert "below k its best passage is number 9 <img" in reader.one("#explanation p").text
    assert reader.one("#explanation tr", "sparse").text == "sparse - 64 - no word in common"
    ((query, url),) = house.keeper.explained
    assert (query.text, url) == (QUESTION, "https://lights.example/bell")
    assert reader.driver.title == "LLM Pipeline System"


def test_the_button_stops_the_model(house: House, reader: Reader) -> None:
    reader.ask(QUESTION)
    reader.one("#answer .unchecked", "The lamp turns")
    reader.one("#stop").click()
    assert house.keeper.closed.wait(10)
    assert reader.one("#ask").text == "Ask"
    assert reader.none("#answer .facts")


def test_who_leaves_the_page_stops_the_model(house: House, reader: Reader) -> None:
    reader.ask(QUESTION)
    reader.one("#answer .unchecked", "The lamp turns")
    assert not house.keeper.closed.is_set()
    reader.driver.get("about:blank")
    assert house.keeper.closed.wait(10)


def test_hostile_sources_and_models_run_nothing_and_reach_nobody(
    house: House, reader: Reader
) -> None:
    house.keeper.extra = CANARY
    ask_to_the_end(house, reader)
    reader.ask(f"Again? {CANARY}")
    reader.one("#answer h3", "Again?")
    reader.one("#answer .facts", "local:keeper")
    for summary in reader.driver.find_elements("css selector", "details summary"):
        reader.driver.execute_script("arguments[0].parentElement.open = true", summary)
    shown = reader.one("#answer").text + reader.one("#sources").text + reader.one("#past").text
    assert shown.count("<img src=x onerror=") >= 6
    assert "{{document.title}} ${document.title='owned'}" in shown
    assert reader.driver.title == "LLM Pipeline System"
    inside = "#answer :is(img, script, iframe), #sources :is(img, script), #past :is(img, script)"
    assert reader.driver.find_elements("css selector", inside) == []
    links = {
        link.get_attribute("href") or ""
        for link in reader.driver.find_elements("css selector", "#main a[href]")
    }
    own = {"https://lights.example/lamp", "https://lights.example/bell"}
    assert {link for link in links if not link.startswith(f"{house.url}/ui/#")} == own
    assert reader.complaints() == []
    assert reader.hosts() == {house.url}


def test_a_script_that_got_in_would_not_run(reader: Reader) -> None:
    reader.driver.execute_script(
        "document.querySelector('#main').insertAdjacentHTML('beforeend', arguments[0]);"
        "const script = document.createElement('script');"
        "script.textContent = 'document.title = \"owned\"'; document.body.append(script);",
        CANARY,
    )
    time.sleep(0.3)
    assert reader.driver.title == "LLM Pipeline System"
    assert len([line for line in reader.complaints() if "Content Security Policy" in line]) >= 2
    assert reader.hosts() == {reader.driver.current_url.removesuffix("/ui/")}


def test_an_open_page_keeps_no_connection_that_would_hold_up_the_end(
    house: House, reader: Reader
) -> None:
    ask_to_the_end(house, reader)
    reader.one("#feedback")
    waited = time.monotonic()
    while house.requests.under_way and time.monotonic() < waited + 5:
        time.sleep(0.05)
    assert house.requests.under_way == []


def test_where_a_key_is_needed_the_page_asks_for_it(house: House, reader: Reader) -> None:
    store = InMemoryApiKeyStore()
    made, token = make_key(
        "reader",
        (Scope.READ,),
        SearchFilters(),
        datetime(2026, 5, 1, tzinfo=UTC),
        secrets.token_bytes,
    )
    store.add(made)
    house.renew(open_to=OpenTo.NOBODY, keys=KeyRing(store))
    reader.visit(house)
    assert "An API key is needed" in reader.one("#status .problem").text
    reader.ask(QUESTION)
    assert "An API key is needed" in reader.one("#answer .problem").text
    assert house.keeper.requests == []
    reader.write("#key input", f"{token}{Keys.ENTER}")
    reader.one("#status", "release-7")
    ask_to_the_end(house, reader)
