"""The passages beside an answer: a click opens one, with what is quoted highlighted."""

from collections.abc import Sequence
from html import escape

from llm_engineering.domain.answers import Citation
from llm_engineering.domain.chunks import Chunk
from llm_engineering.serving.ui.answers import answer_html, source_id
from llm_engineering.serving.ui.exchange import Exchange
from llm_engineering.serving.ui.markup import Span, link_to, marked, text_html


def sources_html(exchange: Exchange) -> str:
    """Returns what was cited, or came closest, and under it what else was read."""
    answer, read = exchange.answer, exchange.passages
    if answer is None:
        return _section("Found", [_passage(chunk) for chunk in read])
    cited = answer.citations or answer.nearest
    groups: dict[int, list[Citation]] = {}
    for citation in sorted(cited, key=lambda one: one.n):
        groups.setdefault(citation.n, []).append(citation)
    cards, shown = [], set()
    for n, citations in groups.items():
        chunk = _chunk_of(citations[0], read)
        shown.add(chunk.id if chunk else None)
        cards.append(_cited(source_id(exchange, n), citations, chunk))
    rest = [_passage(chunk) for chunk in read if chunk.id not in shown]
    title = "Sources" if answer.citations else "Closest passages"
    return _section(title, cards) + _section("Also read", rest)


def past_html(past: Sequence[Exchange]) -> str:
    """Returns the earlier exchanges, the latest first, each with its sources folded up."""
    if not past:
        return ""
    return f"<h4>Earlier</h4>{''.join(_folded(exchange) for exchange in reversed(past))}"


def _folded(exchange: Exchange) -> str:
    sources = sources_html(exchange)
    if sources:
        sources = f'<details class="folded"><summary>Sources</summary>{sources}</details>'
    return f"{answer_html(exchange)}{sources}"


def _section(title: str, cards: Sequence[str]) -> str:
    if not cards:
        return ""
    return f'<section class="sources"><h4>{title}</h4>{"".join(cards)}</section>'


def _chunk_of(citation: Citation, read: Sequence[Chunk]) -> Chunk | None:
    """Returns the passage that the quote stands in; a cached answer may come without it."""
    for chunk in read:
        same = (chunk.document_id, chunk.revision) == (citation.document_id, citation.revision)
        if same and chunk.start <= citation.start and citation.end <= chunk.end:
            return chunk
    return None


def _cited(where: str, citations: Sequence[Citation], chunk: Chunk | None) -> str:
    first = citations[0]
    if chunk is None:
        quotes = " … ".join(one.quote for one in citations)
        text = f'<mark id="{where}-quote">{text_html(quotes)}</mark>'
    else:
        text = marked(chunk.text, _quotes(where, citations, chunk.start))
    facts = _facts(chunk) if chunk else [first.author]
    return _card(
        f' id="{where}"', f'<span class="n">{first.n}</span>', first.title, facts, text, first.url
    )


def _quotes(where: str, citations: Sequence[Citation], offset: int) -> list[Span]:
    """Returns the spans of the quotes; the mark of the answer leads to the first one."""
    ordered = sorted((one.start - offset, one.end - offset) for one in citations)
    return [
        Span(start, end, f'<mark id="{where}-quote">' if not at else "<mark>", "</mark>")
        for at, (start, end) in enumerate(ordered)
    ]


def _passage(chunk: Chunk) -> str:
    return _card("", "", chunk.title, _facts(chunk), text_html(chunk.text), chunk.url)


def _facts(chunk: Chunk) -> list[str | None]:
    day = f"{chunk.published:%Y-%m-%d}" if chunk.published else None
    return [chunk.author_full_name, day, chunk.platform]


def _card(
    attributes: str, mark: str, title: str, facts: Sequence[str | None], text: str, url: str
) -> str:
    told = " · ".join(escape(fact) for fact in facts if fact)
    return (
        f'<details class="source"{attributes}><summary>{mark}<span class="title">'
        f"{escape(title or url)}<small>{told}</small></span></summary>"
        f'<div class="passage">{text}</div>{link_to(url, "Open the original")}</details>'
    )
