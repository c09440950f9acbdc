import pytest
from lxml import html

from llm_engineering.infrastructure.crawlers.blocks import blocks_of
from llm_engineering.infrastructure.crawlers.boilerplate import said_elsewhere, without_boilerplate

LONG = " ".join(f"The {n}th wave of the tide reaches the wall of the harbour." for n in range(12))
MORE = " ".join(f"Wave {n} falls back into the bay, and leaves sand behind." for n in range(8))


def left(body: str, head: str = "") -> list[str]:
    tree = html.document_fromstring(f"<html><head>{head}</head><body>{body}</body></html>")
    kept = without_boilerplate(blocks_of(tree), said_elsewhere(tree))
    return [" ".join(block.text.split())[:40] for block in kept]


TEXT = [LONG[:40], MORE[:40]]


def test_an_article_stays_as_it_is() -> None:
    page = f"<h2>Waves</h2><p>{LONG}</p><h2>Sand</h2><p>{MORE}</p><ul><li>one</li><li>two</li></ul>"
    assert left(page) == ["Waves", TEXT[0], "Sand", TEXT[1], "one", "two"]


@pytest.mark.parametrize(
    ("title", "head"),
    [
        ("<h1>How tides work</h1>", ""),
        ("<h3>How TIDES work</h3>", "<title>How tides work | Sea Blog</title>"),
        ("<p>How tides work!</p>", '<meta property="og:title" content="How tides work">'),
    ],
)
def test_the_title_is_a_field_of_its_own(title: str, head: str) -> None:
    assert left(f"{title}<p>{LONG}</p>", head) == [TEXT[0]]


@pytest.mark.parametrize(
    "line",
    [
        "<p>By Mary Somerville</p>",
        "<p>Von Mary Somerville und Ada Lovelace</p>",
        "<p>09/03/2024 - Published by: Mary - Category: Sea</p>",
        "<h2 class=entry-title>Another title</h2>",
        "<h1>Of the sea</h1>",
    ],
)
def test_what_stands_above_the_first_paragraph(line: str) -> None:
    assert left(f"{line}<p>{LONG}</p>", "<title>Tides of the sea</title>") == [TEXT[0]]


@pytest.mark.parametrize(
    "line", ["<p>By the sea it is cold</p>", "<p>By Monday it was over.</p>", "<h2>Waves</h2>"]
)
def test_other_lines_above_the_first_paragraph_stay(line: str) -> None:
    assert len(left(f"{line}<p>{LONG}</p>")) == 2


def test_the_lines_of_a_page_without_paragraphs_stay() -> None:
    assert left("<p>By Mary Somerville</p><p>Low water: 3 pm</p>")[0] == "By Mary Somerville"


def test_a_caption_that_repeats_the_description_of_its_image_goes() -> None:
    image = "<img src=a.png alt='The wall of the harbour'>"
    assert left(f"{image}<p>{LONG}</p><p>The wall of the harbour.</p><p>{MORE}</p>") == TEXT
    assert len(left(f"<img alt=Waves><p>{LONG}</p><p>Waves</p><p>{MORE}</p>")) == 3


def test_a_title_of_one_word_may_be_a_line() -> None:
    assert left(f"<p>Tides</p><p>{LONG}</p>", "<title>Tides</title>") == ["Tides", TEXT[0]]


@pytest.mark.parametrize(
    "note",
    [
        "<figure><figcaption>The wall, seen from the sea</figcaption></figure>",
        "<p class=wp-caption-text>The wall, seen from the sea</p>",
        "<span class='photo credit'>Photo: Mary</span>",
        "<div class=article-date>3 days ago</div>",
        "<p>© 2013 Sea Blog. All rights reserved.</p>",
        "<p class=post-meta>Filed under: sea</p>",
        "<p>November 20, 2019 - 11:28 GMT</p>",
        "<p>Published on 9 March 2024</p>",
        "<p>Related: <a href=/a>Waves and how they break on walls</a></p>",
        "<p>Read more: <a href=/a>Waves</a></p>",
        "<p><a href=/a>Waves and how they break</a></p>",
        "<li><a href=/a>Waves and how they break</a></li>",
    ],
)
def test_what_stands_between_paragraphs_and_is_no_text(note: str) -> None:
    assert left(f"<p>{LONG}</p>{note}<p>{MORE}</p>") == TEXT


@pytest.mark.parametrize(
    "line",
    [
        "<p>In 2019 the wall broke.</p>",
        "<p>See also the chart of <a href=/a>the bay</a> that was drawn by hand then.</p>",
        "<h2><a href=/waves>Waves and walls</a></h2><p>They meet.</p>",
        "<p class=dated>The wall broke.</p>",
        "<p>May 2019 was cold</p>",
        "<p><a href='#note'>Waves and how they break</a></p>",
    ],
)
def test_what_only_looks_like_it_stays(line: str) -> None:
    assert len(left(f"<p>{LONG}</p>{line}<p>{MORE}</p>")) > len(TEXT)


@pytest.mark.parametrize(
    "label",
    [
        "Related articles",
        "More must-reads from Sea Blog",
        "You may also like:",
        "Comments",
        "Das könnte Sie auch interessieren",
    ],
)
def test_what_follows_a_label_at_the_end_goes(label: str) -> None:
    tail = f"<h3>{label}</h3><p>Ships in the bay</p><p>Birds of the coast</p>"
    assert left(f"<p>{LONG}</p><p>{MORE}</p>{tail}") == TEXT


def test_an_appendix_of_its_own_may_be_longer_than_the_article() -> None:
    others = "".join(f"<p>{MORE} {n}</p>" for n in range(9))
    assert left(f"<div><p>{LONG}</p></div><div><h3>Related posts</h3>{others}</div>") == [TEXT[0]]


def test_a_label_in_the_middle_of_the_text_cuts_nothing_off() -> None:
    rest = "".join(f"<p>{MORE} {n}</p>" for n in range(4))
    assert len(left(f"<p>{LONG}</p><p>Read more</p>{rest}")) >= 5


def test_a_page_of_links_stays_a_page_of_links() -> None:
    links = "".join(f"<li><a href=/{n}>Paper {n} about the tides</a></li>" for n in range(9))
    assert len(left(f"<p>My papers:</p><ul>{links}</ul>")) == 10


def test_headings_of_what_was_not_taken_go() -> None:
    assert left(f"<p>{LONG}</p><h2>Gallery</h2><h3>Newsletter</h3>") == [TEXT[0]]


def test_nothing_is_left_of_nothing() -> None:
    assert left("") == []
    assert left("<h1>How tides work</h1>") == ["How tides work"]
