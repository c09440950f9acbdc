"""An answer, with marks that lead to its sources."""

import re
from collections.abc import Collection
from html import escape

from llm_engineering.domain.answers import Answer, AnswerMode
from llm_engineering.serving.ui.exchange import Exchange
from llm_engineering.serving.ui.markup import Span, marked, text_html

_MARK = re.compile(r"\[(\d{1,4})\]")
_UNSUPPORTED = '<span class="unsupported" title="No passage supports this">'
_MODES = {
    AnswerMode.GENERATED: ("good", "Every citation was checked"),
    AnswerMode.EXTRACTIVE: ("fair", "Quoted from the sources"),
    AnswerMode.REFUSED: ("poor", "The sources do not say it"),
}


def source_id(exchange: Exchange, n: int) -> str:
    """Returns the id of the source that the mark `[n]` of an answer leads to."""
    return f"q{exchange.number}-s{n}"


def answer_html(exchange: Exchange) -> str:
    """Returns the question and what there is of its answer."""
    question = f"<h3>{text_html(exchange.question)}</h3>"
    return f'<article class="answer">{question}{_body(exchange)}</article>'


def _body(exchange: Exchange) -> str:
    if exchange.problem:
        return f'<p class="problem" role="alert">{text_html(exchange.problem)}</p>'
    if exchange.answer:
        checked = f"<p>{_checked(exchange, exchange.answer)}</p>"
        return f"{checked}{_facts(exchange.question, exchange.answer)}"
    doing = "Writing. Nothing is checked yet." if exchange.written else "Searching…"
    if exchange.passages and not exchange.written:
        doing = "Reading…"
    written = f'<p class="unchecked">{text_html(exchange.written)}</p>' if exchange.written else ""
    return f'{written}<p class="doing" role="status">{doing}</p>'


def _checked(exchange: Exchange, answer: Answer) -> str:
    spans = [Span(start, end, _UNSUPPORTED, "</span>") for start, end in answer.unsupported]
    cited = {citation.n for citation in answer.citations}
    return _linked(marked(answer.text, spans), exchange, cited)


def _linked(html: str, exchange: Exchange, cited: Collection[int]) -> str:
    def link(mark: re.Match[str]) -> str:
        n = int(mark[1])
        if n not in cited:
            return mark[0]
        where = source_id(exchange, n)
        return f'<a class="mark" href="#{where}-quote" aria-label="Source {n}">{n}</a>'

    return _MARK.sub(link, html)


def _facts(question: str, answer: Answer) -> str:
    """Returns whether the answer can be trusted, and how it came to be."""
    tone, means = _MODES[answer.mode]
    if answer.unsupported:
        tone, means = "fair", "What is underlined is supported by no passage"
    facts = [answer.model]
    if "total" in answer.timings_ms:
        facts.append(f"{answer.timings_ms['total'] / 1000:.1f} s")
    if answer.cached:
        facts.append("answered before")
    if answer.question not in {"", question}:
        facts.append(f"understood as: {answer.question}")
    if answer.relaxed:
        facts.append(f"nothing met: {', '.join(answer.relaxed)}")
    if answer.degraded:
        facts.append(f"left out: {', '.join(answer.degraded)}")
    told = "".join(f"<span>{escape(fact)}</span>" for fact in facts)
    return f'<p class="facts"><span class="badge {tone}">{means}</span>{told}</p>'
