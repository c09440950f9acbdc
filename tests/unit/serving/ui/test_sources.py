"""The sources beside an answer."""

from dataclasses import replace

from llm_engineering.domain.answers import AnswerMode
from llm_engineering.serving.ui.exchange import Exchange
from llm_engineering.serving.ui.sources import past_html, sources_html
from tests.builders import make_chunk
from tests.unit.serving.ui.exchanges import CHUNK, HOSTILE, cite, exchange

_OTHER = make_chunk("Boats bring bread.", url="https://example.org/boats", title="Boats")


def test_the_quote_is_highlighted_where_it_stands() -> None:
    html = sources_html(exchange())
    assert (
        'The tide <mark id="q3-s1-quote">turns twice a day</mark>. Nobody knows why.</div>'
    ) in html
    assert "Ada Lovelace · 2024-05-17 · example.org" in html
    assert f'href="{CHUNK.url}"' in html


def test_quotes_of_one_mark_share_a_card_and_the_first_is_led_to() -> None:
    html = sources_html(exchange(citations=(cite(quote="Nobody knows"), cite(quote="The tide"))))
    assert html.count("<details") == 1
    assert '<mark id="q3-s1-quote">The tide</mark>' in html
    assert "<mark>Nobody knows</mark>" in html


def test_what_else_was_read_comes_after_it() -> None:
    html = sources_html(replace(exchange(), passages=(_OTHER, CHUNK)))
    assert html.index("Sources") < html.index("tide") < html.index("Also read")
    assert html.index("Also read") < html.index("Boats bring bread.")
    assert html.count("The tide") == 1


def test_a_quote_without_its_passage_is_shown_alone() -> None:
    html = sources_html(replace(exchange(), passages=()))
    assert '<div class="passage"><mark id="q3-s1-quote">turns twice a day</mark></div>' in html
    assert "Ada Lovelace" in html


def test_a_passage_of_another_revision_is_not_the_one_that_was_quoted() -> None:
    changed = CHUNK.model_copy(update={"revision": "0" * 64, "text": "Changed since."})
    html = sources_html(replace(exchange(), passages=(changed,)))
    assert '<div class="passage"><mark id="q3-s1-quote">turns twice a day</mark></div>' in html


def test_a_refusal_has_the_closest_passages() -> None:
    refused = exchange(mode=AnswerMode.REFUSED, grounded=False, citations=(), nearest=(cite(),))
    assert "Closest passages" in sources_html(refused)


def test_before_there_is_an_answer_what_was_found_is_shown() -> None:
    html = sources_html(Exchange(1, "Why?", "id", (CHUNK,)))
    assert "<h4>Found</h4>" in html
    assert "<mark" not in html
    assert sources_html(Exchange(1, "Why?", "id")) == ""


def test_everything_is_escaped_and_only_pages_are_linked() -> None:
    hostile = make_chunk(
        HOSTILE, title=HOSTILE, author_full_name=HOSTILE, platform=HOSTILE
    ).model_copy(update={"url": "javascript:alert(1)"})
    cited = cite(quote="<script>alert(2)</script>", chunk=hostile)
    for html in (
        sources_html(replace(exchange(citations=(cited,)), passages=(hostile,))),
        sources_html(replace(exchange(citations=(cited,)), passages=())),
        sources_html(Exchange(1, "Why?", "id", (hostile,))),
    ):
        assert "<img" not in html
        assert "<script" not in html
        assert "href" not in html
        assert "&lt;script&gt;" in html


def test_earlier_exchanges_come_latest_first_with_their_sources_folded() -> None:
    first, second = replace(exchange(), number=1), replace(exchange(), number=2, question="When?")
    html = past_html((first, second))
    assert html.index("When?") < html.index("How often?")
    assert 'href="#q1-s1-quote"' in html
    assert 'id="q1-s1-quote"' in html
    assert html.count('<details class="folded">') == 2
    assert past_html(()) == ""


def test_an_earlier_failure_has_no_sources_to_unfold() -> None:
    failed = Exchange(1, "Why?", "id").failed("It took too long")
    assert "folded" not in past_html((failed,))
