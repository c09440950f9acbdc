from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from llm_engineering.infrastructure.crawlers.authors import (
    declared_names,
    names_in,
    shown_names,
    without,
)


def first_shown(body: str) -> tuple[str | None, str] | None:
    tree = html.document_fromstring(f"<html><body>{body}</body></html>")
    return next((found for found in shown_names(tree) if found[0]), None)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("Mary Somerville", ["Mary Somerville"]),
        ("By Mary Somerville", ["Mary Somerville"]),
        ("by Mary Somerville and Ada Lovelace", ["Mary Somerville", "Ada Lovelace"]),
        ("Von Mary Somerville, Ada Lovelace", ["Mary Somerville", "Ada Lovelace"]),
        ("Publicado por Mary Somerville", ["Mary Somerville"]),
        ("Written by: Mary Somerville | 9 March 2024", ["Mary Somerville"]),
        ("Mary Somerville 12.03.2024", ["Mary Somerville"]),
        ("Mary Somerville (BBC)", ["Mary Somerville"]),
        ("Mary Somerville & Ada Lovelace", ["Mary Somerville", "Ada Lovelace"]),
        ("Byron", ["Byron"]),
        ("Vonda Parton", ["Vonda Parton"]),
        ("Perry Bacon Jr.", ["Perry Bacon Jr"]),
        ("https://facebook.com/mary", []),
        ("@mary", []),
        ("Tide Tables contributors", ["Tide Tables contributors"]),
        ("Contributors", []),
        ("admin", []),
        ("wordpressadmin", []),
        ("3 comments", []),
        ("", []),
        ("a line that is a sentence of the text, not a name at all of anyone in the world", []),
    ],
)
def test_names_in_lines(line: str, names: list[str]) -> None:
    found = [name.rstrip(".") for name in names_in(line)]
    if names or not line.startswith("a line"):
        assert found == names
    else:
        assert "a line that is a sentence of the text" not in found


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("Mary Somerville", "Mary Somerville"),
        ({"@type": ["Person"], "name": "Mary Somerville"}, "Mary Somerville"),
        ([{"name": "Mary"}, {"name": "Ada"}, {"name": "mary"}], "Mary, Ada"),
        ({"@id": "#mary"}, "Mary Somerville"),
        ({"@id": "#nobody"}, None),
        ({"name": ["Mary", "Ada"]}, "Mary, Ada"),
        ({"name": None}, None),
        (42, None),
    ],
)
def test_names_in_json_ld(author: Any, names: str | None) -> None:
    assert declared_names([author], [{"@id": "#mary", "name": "Mary Somerville"}]) == names


@pytest.mark.parametrize(
    ("body", "names", "source"),
    [
        ("<p itemprop=author><b itemprop=name>Mary</b> of Jedburgh</p>", "Mary", "itemprop author"),
        ("<a rel=author href=/m>Mary Somerville</a>", "Mary Somerville", "rel author"),
        ("<p class=byline>By <a>Mary Somerville</a> | 1 May 2024</p>", "Mary Somerville", "byline"),
        ("<span class='post-author-name'>Mary</span>", "Mary", "byline"),
        ("<i class=author>Mary</i><i class=author>Ada</i>", "Mary, Ada", "byline"),
        ("<div data-testid=x-byline><b>By</b><a>Mary</a></div>", "Mary", "test id byline"),
        ("<a href='/author/mary/'>Mary S</a>", "Mary S", "link to the author"),
        ("<h1>Tides</h1><p>By Mary Somerville</p>", "Mary Somerville", "line below the heading"),
        (
            "<h1>Tides</h1><p>11.12.2024 - Mary Somerville</p>",
            "Mary Somerville",
            "line below the heading",
        ),
    ],
)
def test_authors_that_a_page_shows(body: str, names: str, source: str) -> None:
    assert first_shown(body) == (names, source)


@pytest.mark.parametrize(
    "body",
    [
        "<div class=comments><b class=author>Troll</b></div>",
        "<aside><a rel=author>Other</a></aside>",
        "<div id=related-posts><i class=byline>By Other Person</i></div>",
        "<div class=author-box>Other Person writes about the sea</div>",
        "<p class=byline>lewdness</p>",
        "<h1>Tides</h1><p>By the sea it is cold</p>",
        "<h1>Tides</h1><p>A Walk By The Sea</p>",
    ],
)
def test_who_is_not_the_author_of_the_page(body: str) -> None:
    assert first_shown(body) is None


def test_a_frame_with_the_heading_in_it_is_no_other_place() -> None:
    body = "<div class=with-sidebar><h1>Tides</h1><i class=author>Mary</i></div>"
    assert first_shown(body) == ("Mary", "byline")


def test_names_of_the_site_are_taken_out() -> None:
    assert without("Sea Blog, Mary", {"sea blog"}) == "Mary"
    assert without("Sea Blog", {"sea blog"}) is None
    assert without(None, ()) is None


@given(st.text())
def test_any_line_is_read(line: str) -> None:
    for name in names_in(line):
        assert 1 < len(name) <= 60
