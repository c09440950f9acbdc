"""What a page says: title, author, date, language and main text as Markdown."""

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from lxml import html

from llm_engineering.domain.errors import ExtractionError
from llm_engineering.infrastructure.crawlers.html_tree import declared_address
from llm_engineering.infrastructure.crawlers.markdown import (
    code_of,
    to_markdown,
    with_code_repaired,
)

_MAIN = ("//main", "//*[@role='main']", "//*[@itemprop='articleBody']", "//article")
# Generators of documentation; they mark their content exactly, and print when it was built.
_DOCUMENTATION = re.compile(r"docutils|sphinx|mkdocs|docusaurus|vitepress|hugo-book|mdbook", re.I)
_WORD = re.compile(r"\w+")
# With fewer words than this, an extractor's choice is hardly the text of a page that has a marked
# main element. The share of words is no sign: right next to an article stand far longer teasers.
_FEW_WORDS = 25
_MOSTLY = 0.5
_CODE_LINES = 2  # shorter `pre` elements survive as inline code


@dataclass(frozen=True)
class Extraction:
    """The content of a page. `url` is canonical; `language` is a two-letter code."""

    url: str
    title: str
    text: str
    author: str | None
    published: datetime | None
    language: str | None


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
    from trafilatura.metadata import extract_metadata  # noqa: PLC0415 - takes a second to import

    main = _main_element(tree)
    documentation = main is not None and _is_documentation(tree)
    if main is not None and documentation:
        # The text of such pages tells when they were built, not when they were written.
        described, text = _head_of(tree), to_markdown(main)
    else:
        described, text = copy.deepcopy(tree), _article_text(tree, main)
    dates = {"original_date": True, "extensive_search": not documentation}
    facts = extract_metadata(described, url, date_config={**dates, "max_date": f"{now:%Y-%m-%d}"})
    text = _valid(text)
    if not _WORD.search(text):
        raise ExtractionError(url, "no text on the page")
    return Extraction(
        url=declared_address(tree, url),
        title=_valid(facts.title or _title(tree, url)),
        text=text,
        author=_valid(facts.author) if facts.author else None,
        published=_midnight(facts.date),
        language=_language(tree),
    )


def _is_documentation(tree: html.HtmlElement) -> bool:
    found = tree.xpath(
        "//meta[@name='generator']/@content | //link[contains(@href, 'pygments.css')]"
    )
    return any(not isinstance(mark, str) or _DOCUMENTATION.search(mark) for mark in found)


def _head_of(tree: html.HtmlElement) -> html.HtmlElement:
    """Returns a page of nothing but the head and the first heading."""
    page = html.document_fromstring("<html><head></head><body></body></html>")
    for path, place in ((".//head", page), (".//h1", page.find("body"))):
        found = tree.find(path)
        if found is not None:
            place.append(copy.deepcopy(found))
    return page


def _article_text(tree: html.HtmlElement, main: html.HtmlElement | None) -> str:
    """Returns trafilatura's choice, or the whole main element (or body) when that loses parts."""
    candidate, lost_codes = with_code_repaired(
        _chosen(tree), _codes(tree if main is None else main)
    )
    if main is None:
        body = tree.find("body")
        return candidate or to_markdown(tree if body is None else body)
    if lost_codes or _words(candidate) < _FEW_WORDS or _is_mostly_definitions(main):
        return to_markdown(main)
    return candidate


def _is_mostly_definitions(main: html.HtmlElement) -> bool:
    """Definition lists are what trafilatura flattens or leaves out."""
    defined = sum(
        _words("".join(part.itertext())) for part in main.xpath(".//dl[not(ancestor::dl)]")
    )
    return defined > _MOSTLY * _words("".join(main.itertext()))


def _chosen(tree: html.HtmlElement) -> str:
    import trafilatura  # noqa: PLC0415 - as above

    return (
        trafilatura.extract(
            copy.deepcopy(tree),
            output_format="markdown",
            favor_precision=True,
            include_comments=False,
            include_formatting=True,
            include_tables=True,
        )
        or ""
    )


def _codes(region: html.HtmlElement) -> Sequence[str]:
    codes = (code_of(pre) for pre in region.iter("pre"))
    return [code for code in codes if code.count("\n") + 1 >= _CODE_LINES]


def _main_element(tree: html.HtmlElement) -> html.HtmlElement | None:
    """Returns the one element that the page marks as its content."""
    for path in _MAIN:
        found = tree.xpath(path)
        if len(found) == 1:
            return found[0]
    return None


def _words(text: str) -> int:
    return sum(1 for _ in _WORD.finditer(text))


def _title(tree: html.HtmlElement, url: str) -> str:
    for path in (".//title", ".//h1"):
        element = tree.find(path)
        text = "" if element is None else " ".join("".join(element.itertext()).split())
        if text:
            return text
    return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2]) or urlsplit(url).netloc


def _language(tree: html.HtmlElement) -> str | None:
    found = re.match(r"[A-Za-z]{2,3}(?![A-Za-z])", tree.get("lang", "").strip())
    return found[0].lower() if found else None


def _midnight(date: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(date).replace(tzinfo=UTC) if date else None
    except ValueError:
        return None


def _valid(text: str) -> str:
    """Returns text that every store can hold: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
