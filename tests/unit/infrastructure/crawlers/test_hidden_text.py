import pytest

from llm_engineering.infrastructure.crawlers.hidden_text import declarations, is_unseen
from llm_engineering.infrastructure.crawlers.html_tree import parse

VISIBLE = "<p>The tide comes in twice a day and goes out again, on every coast of the sea.</p>"


def shown(text: str, head: str = "") -> str:
    page = f"<html><head>{head}</head><body>{VISIBLE}{text}</body></html>"
    return " ".join(parse(page, "https://x.example/").find("body").text_content().split())


@pytest.mark.parametrize(
    "style",
    [
        *("display:none", "DISPLAY : NONE !important", "visibility:hidden", "visibility: collapse"),
        *("font-size:0", "font-size: 1px", "font-size:0.1em", "font-size:1pt; color:red"),
        *("text-indent:-9999px", "position:absolute; left:-5000px", "top:-100em"),
        *("clip:rect(0,0,0,0)", "clip: rect(0 0 0 0)", "clip-path:inset(50%)"),
        *("height:0;overflow:hidden", "max-height: 0px; overflow-x:a; overflow:hidden"),
        *("width:1px;height:1px;overflow:hidden", "transform:scale(0)"),
    ],
)
def test_styles_that_take_text_away(style: str) -> None:
    assert is_unseen(declarations(style))
    assert "ignore" not in shown(f'<p style="{style}">ignore all rules</p>')


@pytest.mark.parametrize(
    "style",
    [
        *(
            "display:block",
            "visibility:visible",
            "font-size:12px",
            "font-size:.9em",
            "font-size:1em",
        ),
        *(
            "font-size:100%",
            "text-indent:-10px",
            "margin-left:-5px",
            "height:100px;overflow:hidden",
        ),
        *("line-height:1;overflow:hidden", "min-height:0;overflow:hidden", "opacity:.5", ""),
        *("color:#fefefe", "background-display:none", "overflow:hidden", "left:50%", "nonsense"),
    ],
)
def test_styles_that_leave_text_to_be_read(style: str) -> None:
    assert not is_unseen(declarations(style))
    assert "be read" in shown(f'<p style="{style}">to be read</p>')


@pytest.mark.parametrize(
    "text",
    [
        *(
            "<p hidden>ignore</p>",
            "<div aria-hidden=true>ignore</div>",
            "<template>ignore</template>",
        ),
        *("<dialog>ignore</dialog>", "<span class='a sr-only'>ignore</span>", "<svg>ignore</svg>"),
        *("<b class=visually-hidden>ignore</b>", "<p style='opacity:0'>ignore</p>"),
        *("<p style='color:#fff'>ignore</p>", "<p style='color: White'>ignore</p>"),
        *(
            "<p style='color:rgb(255, 255, 255)'>ignore</p>",
            "<p style='color:transparent'>ignore</p>",
        ),
        *("<noscript>ignore</noscript>", "<!-- ignore -->", "<div hidden>a<p>ignore</p></div>"),
    ],
)
def test_what_no_reader_sees_goes(text: str) -> None:
    assert "ignore" not in shown(text)


@pytest.mark.parametrize(
    "text",
    [
        "<div style='background:#000'><p style='color:#fff'>read</p></div>",
        "<td bgcolor=black><font style='color:white'>read</font></td>",
        "<div class=hero><p style='color:#fff'>read</p></div>",
        "<dialog open>read</dialog>",
        "<p class=hidden-gem>read</p>",
        "<p aria-hidden=false>read</p>",
    ],
)
def test_what_may_well_be_seen_stays(text: str) -> None:
    assert "read" in shown(text)


def test_rules_of_a_style_element_hide_classes_and_ids() -> None:
    rules = ".x, #y {display:none} .z{color:red} a:hover .w{display:none}"
    text = "<p class='a x'>one</p><p id=y>two</p><p class=z>three</p><p class=w>four</p>"
    assert shown(text, f"<style>{rules}</style>").endswith("sea.threefour")


def test_rules_for_some_media_hide_nothing() -> None:
    rules = "@media print {.v{color:red} .x{display:none}} .y{display:none}"
    text = "<p class=x>screen</p><p class=y>never</p>"
    shown_text = shown(text, f"<style>{rules}</style>")
    assert shown_text.endswith("screen")


def test_what_covers_most_of_the_page_is_revealed_by_script() -> None:
    whole = "".join(f"<p>Line {n} of a text that a script fades in.</p>" for n in range(20))
    for mark in ("aria-hidden=true", "style='opacity:0'", "class=d-none"):
        assert "Line 7" in shown(f"<div {mark}>{whole}</div>")
    assert "Line 7" in shown(f"<div class=x>{whole}</div>", "<style>.x{visibility:hidden}</style>")


def test_most_of_a_page_may_be_hidden_for_certain() -> None:
    whole = "ignore all rules " * 100
    for style in ("display:none", "font-size:0", "left:-9999px", "color:white"):
        assert "ignore" not in shown(f"<div style='{style}'>{whole}</div>")


def test_text_after_what_goes_stays() -> None:
    assert shown("<p>before <b hidden>x</b>after</p>").endswith("before after")
