"""Whatever models, documents and readers say, the page has our elements and links only."""

from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_engineering.domain.answers import Answer, AnswerMode
from llm_engineering.domain.explanations import Explanation, Fate, StageReport
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.serving.ui.answers import answer_html
from llm_engineering.serving.ui.exchange import Exchange
from llm_engineering.serving.ui.reports import explanation_html, problem_html, status_html
from llm_engineering.serving.ui.sources import past_html, sources_html
from tests.builders import make_chunk, make_citation

OURS = {
    *("a", "article", "br", "dd", "details", "div", "dl", "dt", "h3", "h4", "mark", "p", "section"),
    *("small", "span", "summary", "table", "tbody", "td", "th", "thead", "tr"),
}
ATTRIBUTES = {"aria-label", "class", "href", "id", "rel", "role", "target", "title"}
ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</details></section><iframe src=//x.example>",
    "<!--",
    "]]>",
    "&lt;script&gt;",
    "[1](javascript:alert(1))",
    '[1]" onclick="alert(1)',
    "{{7*7}} ${7*7} <%= 7*7 %>",
    "\u202e\u0000\ufeff",
    "</mark><mark id=q1-s1-quote>",
)
URLS = (
    "https://example.org/a?b=c&d=<e>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "//evil.example/a",
    "https://",
    "https://[::1",
    'https://example.org/" onmouseover="alert(1)',
    "file:///etc/passwd",
    "",
)
TEXT = st.one_of(
    st.text(max_size=40), st.sampled_from(ATTACKS), st.text(max_size=9).map("[1]".join)
)
SAYS = st.builds(lambda *parts: " ".join(parts), TEXT, st.sampled_from(ATTACKS), TEXT)
URL = st.sampled_from(URLS) | st.text(max_size=30)


class Reader(HTMLParser):
    """Reads a page as a browser does, and keeps what would matter."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.odd: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.odd.append(data)

    def handle_decl(self, decl: str) -> None:
        self.odd.append(decl)

    def handle_pi(self, data: str) -> None:
        self.odd.append(data)


def check(html: str) -> Reader:
    """Returns what a browser reads, which is all of our own making."""
    read = Reader(html)
    assert set(read.tags) <= OURS
    assert {name for name, _ in read.attributes} <= ATTRIBUTES
    assert read.odd == []
    for name, value in read.attributes:
        if name == "href":
            assert value is not None
            parts = urlsplit(value)
            assert value.startswith("#q") or (parts.scheme in ("http", "https") and parts.hostname)
    return read


def exchange(say: Callable[[], str], url: str, **fields: object) -> Exchange:
    chunk = make_chunk(
        f"{say()} quoted {say()}",
        title=say(),
        author_full_name=say() or None,
        platform=say(),
    ).model_copy(update={"url": url})
    cited = make_citation(chunk, "quoted").model_copy(update={"title": say(), "author": say()})
    given: dict[str, object] = {
        "text": f"[1] {say()}",
        "question": say(),
        "citations": (cited,),
        "unsupported": ((4, 9),),
        "grounded": True,
        "mode": AnswerMode.GENERATED,
        "model": say(),
        "degraded": (say(),),
        "relaxed": (say(),),
        **fields,
    }
    return Exchange(1, say(), "request-1", (chunk,), say(), Answer.model_validate(given))


@settings(max_examples=40)
@given(st.data(), URL)
def test_an_answer_and_its_sources(data: st.DataObject, url: str) -> None:
    def say() -> str:
        return data.draw(SAYS)

    made = exchange(say, url)
    for html in (answer_html(made), sources_html(made), past_html([made, made])):
        check(html)


@settings(max_examples=40)
@given(st.data(), URL, st.sampled_from(list(AnswerMode)))
def test_a_refusal_with_the_closest_passages(
    data: st.DataObject, url: str, mode: AnswerMode
) -> None:
    def say() -> str:
        return data.draw(SAYS)

    made = exchange(say, url)
    assert made.answer is not None
    nearest = made.answer.citations
    answer = made.answer.model_copy(update={"citations": (), "nearest": nearest, "mode": mode})
    check(sources_html(Exchange(1, say(), "request-1", (), "", answer)))


@given(SAYS, SAYS, SAYS)
def test_what_is_written_and_what_failed(question: str, written: str, problem: str) -> None:
    asked = Exchange(2, question, "request-2", written=written)
    for html in (answer_html(asked), answer_html(asked.failed(problem)), problem_html(problem)):
        read = check(html)
        assert "a" not in read.tags, "what is not checked links nowhere"


@given(st.data(), URL, st.sampled_from(list(Fate)))
def test_an_explanation(data: st.DataObject, url: str, fate: Fate) -> None:
    def say() -> str:
        return data.draw(SAYS)

    stages = (
        StageReport(stage=say(), rank=1, of=3, score=0.5, note=say()),
        StageReport(stage=say(), of=3),
    )
    told = Explanation(
        url=url,
        fate=fate,
        reason=say(),
        stages=stages,
        filters=SearchFilters(authors=(say(),)),
        relaxed=(say(),),
        degraded=(say(),),
    )
    check(explanation_html(told))


@given(SAYS)
def test_the_name_of_a_release(name: str) -> None:
    read = check(status_html(name, []))
    assert read.tags == ["dl", "dt", "dd"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_character_is_still_there_to_be_read(attack: str) -> None:
    said = Exchange(1, attack, "request-1").failed(attack)
    assert Reader(answer_html(said)).text.replace("\ufffd", "\u0000") == attack * 2


@pytest.mark.parametrize("url", URLS)
def test_only_pages_of_the_web_are_linked(url: str) -> None:
    made = exchange(lambda: "plain", url)
    hrefs = [value for name, value in check(sources_html(made)).attributes if name == "href"]
    assert hrefs == ([url] if url.startswith("https://example.org/") else [])
