import pytest
from lxml import html

from llm_engineering.infrastructure.crawlers.markdown import (
    code_of,
    tidy,
    to_markdown,
)


def markdown_of(text: str) -> str:
    return to_markdown(html.fragment_fromstring(text, create_parent="div"))


def test_headings_lists_tables_and_emphasis_are_kept() -> None:
    text = markdown_of(
        "<h2>Tides</h2><p>They <em>come</em> and <b>go</b>.</p><ol><li>in</li><li>out</li></ol>"
        "<table><tr><th>Port</th><th>Range</th></tr><tr><td>Naples</td><td>0.4</td></tr></table>"
    )
    assert text.startswith("## Tides\n\nThey *come* and **go**.\n\n  1. in\n  2. out")
    assert "| Port | Range |\n| --- | --- |\n| Naples | 0.4 |" in text


def test_links_and_images_become_their_text() -> None:
    assert markdown_of('<p>See <a href="/x">the chart</a><img src="a.png" alt="map">.') == (
        "See the chart."
    )


def linked(text: str) -> str:
    element = html.fragment_fromstring(text, create_parent="div")
    return to_markdown(element, "https://x.example/docs/tides.html")


def test_links_are_kept_as_addresses_that_work_anywhere() -> None:
    assert linked('<p>See <a href="../map?a=1&b=2#c" title="(a map)">the map</a>.') == (
        "See [the map](https://x.example/map?a=1&b=2#c)."
    )
    assert linked('<p><a href="https://y.example/a_(b) c">x</a>') == (
        "[x](https://y.example/a_%28b%29%20c)"
    )
    assert linked('<p><a href="https://y.example/">https://y.example/</a>') == (
        "[https://y.example/](https://y.example/)"
    )


@pytest.mark.parametrize(
    "link",
    [
        *(
            'href="#part"',
            'href="javascript:alert(1)"',
            'href="mailto:a@b.c"',
            'href="http://[bad"',
        ),
        *('href="data:text/html,x"', 'href=""', "name=x"),
    ],
)
def test_links_that_lead_nowhere_become_their_text(link: str) -> None:
    assert linked(f"<p>See <a {link}>this</a>.") == "See this."


def test_the_text_of_a_link_holds_no_brackets() -> None:
    assert "(http" not in linked('<p>as shown<a href="/n">[1]</a>')
    assert linked('<p>a<a href="/n"><img src=x.png></a>b') == "ab"


def test_emphasis_loses_no_space() -> None:
    assert linked('<p><em>Given by <a href="/s">Mary</a>, who</em> knows') == (
        "Given by [Mary](https://x.example/s), who knows"
    )
    assert markdown_of("<p>on <b>Monday</b>, at noon") == "on **Monday**, at noon"


def test_cells_may_hold_bars_and_nothing() -> None:
    table = "<tr><th>a</th><th>b</th></tr><tr><td>x|y</td><td></td></tr>"
    assert markdown_of(f"<table>{table}</table><p>1| 2") == (
        "| a | b |\n| --- | --- |\n| x\\|y |  |\n\n1| 2"
    )


def test_frames_inside_the_content_go() -> None:
    frames = "".join(f"<{tag}>{tag} text</{tag}>" for tag in ("nav", "aside", "form", "footer"))
    roles = "<div role=navigation>menu</div><div class='a sphinxsidebar b'>side</div>"
    assert markdown_of(f"<p>before</p>{frames}{roles}<p>after</p>") == "before\n\nafter"


def test_the_element_itself_is_not_changed() -> None:
    element = html.fragment_fromstring("<div><pre>a\nb</pre><dl><dt>x</dt></dl></div>")
    before = html.tostring(element)
    to_markdown(element)
    assert html.tostring(element) == before


def test_code_is_copied_exactly_with_its_language() -> None:
    pre = "<div class='highlight-python'><pre>a = 1\n\n\n    b *c* `d`\n\ttab</pre></div>"
    assert markdown_of(pre) == "```python\na = 1\n\n\n    b *c* `d`\n\ttab\n```"
    assert markdown_of("<pre>  </pre><p>x") == "x"


def test_line_breaks_of_code_may_be_elements() -> None:
    pre = html.fragment_fromstring("<pre>one<br>  two<br/>three\n</pre>")
    assert code_of(pre) == "one\n  two\nthree"


def test_tidying_leaves_code_alone() -> None:
    code = "```\na  \n\n\n\nb\n```"
    assert tidy(f"one  \n\n\n\ntwo\n{code}\n\n\n\nthree\n") == f"one\n\ntwo\n\n{code}\n\nthree"
