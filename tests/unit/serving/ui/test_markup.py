"""Text never becomes markup, whatever it says."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.serving.ui.markup import Span, link_to, marked, text_html


class _Elements(HTMLParser):
    """Collects the elements and the text of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag == "br":
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        self.text += data


_HOSTILE = st.text(alphabet="<>&\"'/=ab \n;:#x!-[]()`{}$", max_size=60)


@given(_HOSTILE)
def test_text_stays_text(text: str) -> None:
    seen = _Elements(text_html(text))
    assert set(seen.tags) <= {"br"}
    assert seen.text == text


@given(_HOSTILE, st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=6))
def test_marks_add_elements_and_change_no_character(
    text: str, places: list[tuple[int, int]]
) -> None:
    spans = [Span(start, end, "<mark>", "</mark>") for start, end in places]
    html = marked(text, spans)
    seen = _Elements(html)
    assert set(seen.tags) <= {"br", "mark"}
    assert seen.text == text
    assert html.count("<mark>") == html.count("</mark>")


def test_a_span_is_put_between_its_tags() -> None:
    assert marked("a < b", [Span(4, 5, "<b>", "</b>"), Span(0, 1, "<i>", "</i>")]) == (
        "<i>a</i> &lt; <b>b</b>"
    )


def test_what_an_earlier_span_has_is_not_marked_again() -> None:
    assert marked("abcd", [Span(0, 3, "<b>", "</b>"), Span(1, 4, "<b>", "</b>")]) == (
        "<b>abc</b><b>d</b>"
    )


@pytest.mark.parametrize("url", ["https://example.org/a?b=1&c=2", "http://127.0.0.1:8080/x"])
def test_pages_are_linked_without_a_way_back(url: str) -> None:
    link = link_to(url, "Open")
    assert f'href="{url.replace("&", "&amp;")}"' in link
    assert 'rel="noopener noreferrer nofollow"' in link
    assert 'target="_blank"' in link


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
        "//example.org",
        "https://",
        "http://[",
        "",
    ],
)
def test_nothing_else_is_linked(url: str) -> None:
    assert link_to(url, "<Open>") == "&lt;Open&gt;"


def test_a_link_keeps_its_quotes_inside() -> None:
    assert _Elements(link_to('https://example.org/"onclick="x', "Open")).tags == ["a"]
    assert 'onclick="x' not in link_to('https://example.org/"onclick="x', "Open")
