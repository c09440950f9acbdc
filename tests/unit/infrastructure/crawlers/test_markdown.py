from lxml import html

from llm_engineering.infrastructure.crawlers.markdown import (
    code_of,
    tidy,
    to_markdown,
    with_code_repaired,
)


def markdown_of(text: str) -> str:
    return to_markdown(html.fragment_fromstring(text, create_parent="div"))


def test_headings_lists_tables_and_emphasis_are_kept() -> None:
    text = markdown_of(
        "<h2>Tides</h2><p>They <em>come</em> and <b>go</b>.</p><ol><li>in</li><li>out</li></ol>"
        "<table><tr><th>Port</th><th>Range</th></tr><tr><td>Naples</td><td>0.4</td></tr></table>"
    )
    assert text.startswith("## Tides\n\nThey *come* and **go**.\n\n  1. in\n  2. out")
    assert "Port| Range\n---|---\nNaples| 0.4" in text


def test_links_and_images_become_their_text() -> None:
    assert markdown_of('<p>See <a href="/x">the chart</a><img src="a.png" alt="map">.') == (
        "See the chart."
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


def test_code_that_lost_its_empty_lines_is_repaired() -> None:
    code = "def f():\n\n    return 1"
    repaired, lost = with_code_repaired("Text.\n\n```\ndef f():\nreturn 1\n```\nMore.", [code])
    assert repaired == f"Text.\n\n```\n{code}\n```\n\nMore."
    assert lost == []


def test_code_that_is_not_in_the_text_is_told() -> None:
    text = "Text with def f(): return 1 inside.\n\n```\nother\n```"
    repaired, lost = with_code_repaired(text, ["def f():\n    return 1"])
    assert lost == ["def f():\n    return 1"]
    assert repaired == text


def test_tidying_leaves_code_alone() -> None:
    code = "```\na  \n\n\n\nb\n```"
    assert tidy(f"one  \n\n\n\ntwo\n{code}\n\n\n\nthree\n") == f"one\n\ntwo\n\n{code}\n\nthree"
