import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from llm_engineering.infrastructure.crawlers.blocks import Block, blocks_of, keep_only, words_of


def body(text: str) -> html.HtmlElement:
    return html.document_fromstring(f"<html><body>{text}</body></html>").find("body")


def texts(text: str) -> list[str]:
    return [" ".join(block.text.split()) for block in blocks_of(body(text))]


def kept(text: str, *wanted: str) -> str:
    root = body(text)
    keep_only(root, [block for block in blocks_of(root) if block.text.strip() in wanted])
    return str(html.tostring(root, encoding="unicode")).strip()


def test_blocks_end_at_block_level_elements_and_line_breaks() -> None:
    assert texts(
        "one <b>and</b> <i>a half</i><p>two</p>three<br>four<div>five<p>six</p>seven</div>"
    ) == [
        *("one and a half", "two", "three", "four", "five", "six", "seven"),
    ]


def test_a_row_is_one_block_and_its_cells_stay_apart() -> None:
    assert texts("<table><tr><th>Port</th><th>Range</th></tr><tr><td>Naples</td></tr></table>") == [
        "Port Range",
        "Naples",
    ]


def test_code_is_one_block_whatever_is_in_it() -> None:
    assert texts("<pre>a\n<span>b</span><div>c</div>d</pre>e") == ["a bcd", "e"]
    assert blocks_of(body("<pre>a</pre>"))[0].element.tag == "pre"


def test_blocks_without_a_word_and_scripts_are_none() -> None:
    assert texts("<p>…</p><script>a</script>b<style>c</style><p> </p>") == ["b"]


def test_headings_know_that_they_are() -> None:
    heading, text = blocks_of(body("<h2>A <b>b</b></h2><p>c</p>"))
    assert heading.is_heading
    assert not text.is_heading


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ('<p><a href="/x">all of it</a></p>', True),
        ('<p><a href="/x">nearly all of this line</a>.</p>', True),
        ('<p>see <a href="/x">this</a></p>', False),
        ('<h2><a href="#part">in the page</a></h2>', False),
        ("<p><a name=x>no link</a></p>", False),
    ],
)
def test_a_block_is_linked_when_nothing_is_outside_links_to_other_pages(
    text: str, linked: bool
) -> None:
    assert blocks_of(body(text))[0].is_linked is linked


def test_what_surrounds_a_block_comes_innermost_first() -> None:
    root = body("<div class=a><p class=b><i>x</i></p></div>")
    block = blocks_of(root)[0]
    assert [node.tag for node in block.within(3)] == ["i", "p", "div"]
    after = blocks_of(body("<p><i></i>tail</p>"))[0]
    assert next(after.within(1)).tag == "p"


def test_only_the_wanted_blocks_are_left() -> None:
    page = "<nav>menu</nav><article><h1>T</h1><p>one</p><aside>ad</aside><p>two</p></article>"
    assert kept(page, "one", "two") == "<body><article><p>one</p><p>two</p></article></body>"


def test_text_on_both_sides_of_what_goes_stays_apart() -> None:
    assert kept("<div>one<div>ad</div>two</div>", "one", "two") == (
        "<body><div>one<p></p>two</div></body>"
    )
    assert "one<br>two" in kept("<p>one<br>two</p>", "one", "two")


def test_cells_of_a_kept_row_keep_their_places() -> None:
    page = "<table><tr><td></td><td>x</td></tr><tr><td>other</td></tr></table>"
    assert "<tr><td></td><td>x</td></tr>" in kept(page, "x")
    assert "other" not in kept(page, "x")


def test_a_cell_that_is_not_wanted_is_emptied() -> None:
    page = "<table><tr><td><p>menu</p></td><td><p>text</p></td></tr></table>"
    assert kept(page, "text") == (
        "<body><table><tr><td></td><td><p>text</p></td></tr></table></body>"
    )


_HTML = st.recursive(
    st.sampled_from(["word ", "two words ", "<br>", "… "]),
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>",
        st.sampled_from(["p", "div", "b", "a", "li", "pre", "td", "h2"]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=25,
)


@given(_HTML, st.data())
def test_any_choice_of_blocks_leaves_exactly_their_words(text: str, data: st.DataObject) -> None:
    root = body(f"<div>{text}</div>")
    blocks = blocks_of(root)
    chosen: list[Block] = [block for block in blocks if data.draw(st.booleans())]
    wanted = [word for block in chosen for word in block.words]
    keep_only(root, chosen)
    assert [word for block in blocks_of(root) for word in block.words] == wanted


@given(_HTML)
def test_no_word_is_lost_or_found_twice(text: str) -> None:
    root = body(text)
    words = [word for block in blocks_of(root) for word in block.words]
    assert words == list(words_of(" ".join(root.itertext())))
