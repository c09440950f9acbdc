"""What a page says: title, author, dates, language and main text as Markdown."""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lxml import html

from llm_engineering.domain.errors import ExtractionError
from llm_engineering.domain.ids import canonical_url
from llm_engineering.infrastructure.crawlers.blocks import Block, blocks_of, keep_only, words_of
from llm_engineering.infrastructure.crawlers.boilerplate import said_elsewhere, without_boilerplate
from llm_engineering.infrastructure.crawlers.html_tree import base_address, declared_address, parse
from llm_engineering.infrastructure.crawlers.markdown import rendered, tidy, to_markdown
from llm_engineering.infrastructure.crawlers.metadata import facts_of
from llm_engineering.infrastructure.crawlers.structured_data import JSON_LD, read
from llm_engineering.infrastructure.crawlers.voting import elected

_MAIN = ("//main", "//*[@role='main']", "//*[@itemprop='articleBody']", "//article")
# Generators of documentation; they mark their content exactly, and print when it was built.
_DOCUMENTATION = re.compile(r"docutils|sphinx|mkdocs|docusaurus|vitepress|hugo-book|mdbook", re.I)
_MARKS_OF_DOCUMENTATION = (
    "//meta[@name='generator']/@content | //link[contains(@href,'pygments.css')]"
)
# With fewer words than this, what the extractors took is hardly the text of a page that has a
# marked main element. The share of words is no sign: right next to an article stand far longer
# teasers.
_FEW_WORDS = 25
_MOSTLY = 0.5


@dataclass(frozen=True)
class Extraction:
    """The content of a page.

    Args:
        url: the canonical address.
        language: a code of two or three letters.
        sources: where each field comes from, such as "json-ld" or "meta og:title".
    """

    url: str
    title: str
    text: str
    author: str | None
    published: datetime | None
    language: str | None
    modified: datetime | None = None
    sources: Mapping[str, str] = field(default_factory=dict)


def extract(tree: html.HtmlElement, url: str, now: datetime) -> Extraction:
    """Returns the content of the page that came from `url`; dates after `now` are not believed.

    Raises:
        ExtractionError: there is no text in it.
    """
    try:
        return _extract(tree, url, now)
    except ExtractionError:
        raise
    except Exception as error:  # on hostile pages each parser fails in its own way
        raise ExtractionError(url, f"cannot be read ({type(error).__name__})") from error


def _extract(tree: html.HtmlElement, url: str, now: datetime) -> Extraction:
    main = _main_element(tree)
    documentation = main is not None and _is_documentation(tree)
    base = base_address(tree, url)
    if main is not None and documentation:
        text, source = to_markdown(main, base), "main element"
    else:
        text, source = _article_text(tree, main, base)
    text = _valid(text)
    if not words_of(text):
        raise ExtractionError(url, "no text on the page")
    # The text of documentation tells when it was built, not when it was written.
    facts = facts_of(tree, url, now, in_text=not documentation)
    address = declared_address(tree, url)
    declared = "link canonical" if address != canonical_url(url) else "address"
    return Extraction(
        url=address,
        title=_valid(facts.title),
        text=text,
        author=_valid(facts.author) if facts.author else None,
        published=facts.published,
        language=facts.language,
        modified=facts.modified,
        sources={**facts.sources, "canonical_url": declared, "text": source},
    )


def _is_documentation(tree: html.HtmlElement) -> bool:
    found = tree.xpath(_MARKS_OF_DOCUMENTATION)
    return any(not isinstance(mark, str) or _DOCUMENTATION.search(mark) for mark in found)


def _article_text(
    tree: html.HtmlElement, main: html.HtmlElement | None, base: str
) -> tuple[str, str]:
    """Returns the elected blocks, or the whole main element (or body) when that loses parts."""
    page = copy.deepcopy(tree)
    blocks = blocks_of(page)
    chosen, voters = elected(tree, blocks)
    chosen = _with_code(blocks, without_boilerplate(chosen, said_elsewhere(tree)))
    shown = max(_word_count(chosen), 0 if main is None else _words("".join(main.itertext())))
    if shown < _FEW_WORDS and (declared := _declared_body(tree)):
        return declared, JSON_LD
    if main is not None and _loses_parts(main, chosen):
        return to_markdown(main, base), "main element"
    if chosen:
        keep_only(page, chosen)
        return rendered(page, base), voters
    if main is not None:
        return to_markdown(main, base), "main element"
    body = tree.find("body")
    return to_markdown(tree if body is None else body, base), "body"


def _word_count(blocks: Sequence[Block]) -> int:
    return sum(len(block.words) for block in blocks)


def _declared_body(tree: html.HtmlElement) -> str:
    """Returns the text in the page's JSON-LD, for pages that scripts would fill."""
    texts = [value.value for value in read(tree, "article").get("text", ())]
    longest = max((text for text in texts if isinstance(text, str)), key=len, default="")
    if _words(longest) < _FEW_WORDS:
        return ""
    if "<" not in longest:
        return tidy(longest)
    return to_markdown(parse(f"<body>{longest}</body>", "").find("body"))


def _with_code(blocks: Sequence[Block], chosen: Sequence[Block]) -> Sequence[Block]:
    """Returns the chosen blocks and the code between them, which extractors tend to drop."""
    if not chosen:
        return chosen
    taken = set(chosen)
    first, last = blocks.index(chosen[0]), blocks.index(chosen[-1])
    return [
        block
        for place, block in enumerate(blocks)
        if block in taken or (first < place < last and block.element.tag == "pre")
    ]


def _loses_parts(main: html.HtmlElement, chosen: Sequence[Block]) -> bool:
    """Returns whether code, definitions or nearly everything of a marked text was not chosen."""
    if _word_count(chosen) < _FEW_WORDS:
        return True
    codes = {block.words for block in chosen if block.element.tag == "pre"}
    lost_code = any(
        _is_code(pre) and words_of("".join(pre.itertext())) not in codes for pre in main.iter("pre")
    )
    return lost_code or _is_mostly_definitions(main)


def _is_code(pre: html.HtmlElement) -> bool:
    text = "".join(pre.itertext()).strip()
    return "\n" in text and bool(words_of(text))


def _is_mostly_definitions(main: html.HtmlElement) -> bool:
    """Definition lists are what extractors flatten or leave out."""
    defined = sum(
        _words("".join(part.itertext())) for part in main.xpath(".//dl[not(ancestor::dl)]")
    )
    return defined > _MOSTLY * _words("".join(main.itertext()))


def _main_element(tree: html.HtmlElement) -> html.HtmlElement | None:
    """Returns the one element that the page marks as its content."""
    for path in _MAIN:
        found = tree.xpath(path)
        if len(found) == 1:
            return found[0]
    return None


def _words(text: str) -> int:
    return len(words_of(text))


def _valid(text: str) -> str:
    """Returns text that every store can hold: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
