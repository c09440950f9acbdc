import pytest
from lxml import html

from llm_engineering.infrastructure.crawlers.page_titles import Sourced, title_of, without_site

URL = "https://blog.example/tides.html"


def title(body: str, *declared: Sourced, head: str = "", url: str = URL) -> Sourced:
    tree = html.document_fromstring(f"<html><head>{head}</head><body>{body}</body></html>")
    return title_of(tree, url, declared, {"sea blog", "blog.example", "blog"})


def test_the_heading_that_the_page_declares_too() -> None:
    declared = ("How the tides work", "meta og:title")
    assert title("<h1>Sea Blog</h1><h1>How tides work</h1>", declared) == ("How tides work", "h1")


def test_the_name_of_the_site_is_no_title_even_as_the_only_heading() -> None:
    declared = ("How tides work", "json-ld")
    assert title("<h1>Sea Blog</h1>", declared) == declared
    assert title("<h1>My other motto</h1>", declared) == declared


def test_the_only_heading_may_say_it_in_other_words() -> None:
    declared = ("The best harbours of 2026", "json-ld")
    assert title("<h1>Harbours: where to moor this summer</h1>", declared)[1] == "h1"


def test_what_stands_before_the_title_in_its_heading_goes() -> None:
    declared = ("How tides work", "json-ld")
    assert title("<h1>Science | How tides work</h1>", declared) == ("How tides work", "h1")


def test_declared_titles_come_without_the_site() -> None:
    assert title("", ("How tides work | Sea Blog", "meta og:title")) == (
        "How tides work",
        "meta og:title",
    )
    assert title("", ("Sea Blog", "meta og:title"), head="<title>Tides - Sea Blog</title>") == (
        "Tides",
        "title",
    )


def test_on_a_host_of_documents_the_heading_is_the_document_s() -> None:
    declared = ("GitHub - mary/tides: Tide tables in Python", "meta og:title")
    found = title("<h1>Tide tables</h1>", declared, url="https://github.com/mary/tides")
    assert found[1] == "meta og:title"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Tides | Sea Blog", "Tides"),
        ("Sea Blog | Tides", "Tides"),
        (
            "How the tides of the sea really work - The Daily Coast",
            "How the tides of the sea really work",
        ),
        ("Tides - a long subtitle that is as important as the rest", None),
        ("Tides: ebb and flow", None),
        ("Spring-tides", None),
    ],
)
def test_the_site_in_a_title(written: str, expected: str | None) -> None:
    assert without_site(written, {"sea blog"}) == (expected or written)


def test_without_any_title_the_address_has_to_do() -> None:
    assert title("<p>text</p>") == ("tides.html", "address")
    assert title("", url="https://blog.example/") == ("blog.example", "address")
