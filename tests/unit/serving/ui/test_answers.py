"""An answer as HTML."""

from dataclasses import replace
from typing import Any

import pytest

from llm_engineering.domain.answers import AnswerMode
from llm_engineering.serving.ui.answers import answer_html
from llm_engineering.serving.ui.exchange import Exchange
from tests.unit.serving.ui.exchanges import CHUNK, HOSTILE, cite, exchange


def test_a_mark_leads_to_its_source() -> None:
    assert 'day <a class="mark" href="#q3-s1-quote" aria-label="Source 1">1</a>.' in answer_html(
        exchange()
    )


def test_a_mark_that_cites_nothing_stays_text() -> None:
    html = answer_html(exchange("So it is [7], [1] says."))
    assert "[7]" in html
    assert html.count('class="mark"') == 1


def test_what_no_passage_supports_is_underlined() -> None:
    html = answer_html(exchange("It turns [1]. It sings [1].", unsupported=((14, 27),)))
    assert '<span class="unsupported" title="No passage supports this">It sings <a ' in html
    assert "What is underlined is supported by no passage" in html


def test_everything_is_escaped() -> None:
    hostile = replace(exchange(HOSTILE, model=HOSTILE, degraded=(HOSTILE,)), question=HOSTILE)
    html = answer_html(hostile)
    assert "<img" not in html
    assert "<script" not in html
    assert "href" not in html
    assert html.count("&lt;img") == 4


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (Exchange(1, "Why?", "id"), "Searching"),
        (Exchange(1, "Why?", "id", passages=(CHUNK,)), "Reading"),
        (Exchange(1, "Why?", "id", passages=(CHUNK,), written="<b>"), "Writing"),
    ],
)
def test_it_says_what_it_is_doing(now: Exchange, said: str) -> None:
    assert said in answer_html(now)
    assert "<b>" not in answer_html(now)


def test_text_that_is_not_checked_yet_has_no_links() -> None:
    html = answer_html(Exchange(1, "Why?", "id", (CHUNK,), "It turns [1] "))
    assert "It turns [1]" in html
    assert "href" not in html


def test_a_problem_is_told_instead_of_an_answer() -> None:
    html = answer_html(exchange().failed("Too many requests <now>"))
    assert "Too many requests &lt;now&gt;" in html
    assert "twice a day" not in html


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Every citation was checked"),
        ({"mode": AnswerMode.EXTRACTIVE}, "Quoted from the sources"),
        ({"mode": AnswerMode.REFUSED, "citations": (), "nearest": (cite(),)}, "do not say it"),
        ({"timings_ms": {"total": 1250.0}}, "1.2 s"),
        ({"cached": True}, "answered before"),
        ({"question": "How often does it turn?"}, "understood as: How often does it turn?"),
        ({"relaxed": ("authors",)}, "nothing met: authors"),
        ({"degraded": ("rerank",)}, "left out: rerank"),
        ({}, "local:tiny"),
    ],
)
def test_the_facts_of_an_answer(fields: dict[str, Any], said: str) -> None:
    assert said in answer_html(exchange(**fields))
