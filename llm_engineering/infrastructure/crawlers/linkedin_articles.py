"""Articles of LinkedIn (`/pulse/…`)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bs4 import BeautifulSoup, Tag
from lxml import html

from llm_engineering.infrastructure.crawlers.markdown import to_markdown
from llm_engineering.infrastructure.crawlers.structured_data import Value, read
from llm_engineering.infrastructure.crawlers.xml_reading import instant

BODY = (
    "[data-test-id=article-content-blocks], .article-main__content, .reader-article-content, "
    ".article-content__body, .reader-content-blocks-container"
)
_TITLE = ".article-content__title, .reader-article-header__title, h1.pulse-title, main h1"
_AUTHOR_CARD = (
    ".publisher-author-card .base-main-card__title, .main-author-card h3, "
    ".reader-author-info__author-lockup h2"
)
_DATE = ".base-main-card__metadata, time, .reader-author-info__published-date"
_PUBLISHED = re.compile(r"([A-Z][a-z]{2})[a-z]*\.? (\d{1,2}), (\d{4})")


@dataclass(frozen=True)
class Article:
    """An article as the page tells it; `text` is Markdown."""

    title: str
    text: str
    author: str | None
    published: datetime | None
    modified: datetime | None


def article_of(tree: html.HtmlElement, soup: BeautifulSoup) -> Article | None:
    """Returns the article on a page: its facts from the JSON first, its text from the elements."""
    found = read(tree, "linkedin_article")
    body = soup.select_one(BODY)
    title = _first(found, "title") or _words(soup.select_one(_TITLE))
    text = to_markdown(html.fragment_fromstring(str(body), create_parent="div")) if body else ""
    text = text.strip() or _first(found, "text")
    if not title or not text:
        return None
    return Article(
        title=title,
        text=text,
        author=_author(found, soup) or None,
        published=instant(_first(found, "published")) or _printed_date(soup),
        modified=instant(_first(found, "modified")),
    )


def _first(found: Mapping[str, Sequence[Value]], field: str) -> str:
    values: list[Any] = [value.value for value in found.get(field, ())]
    return next((" ".join(each.split()) for each in values if isinstance(each, str)), "")


def _author(found: Mapping[str, Sequence[Value]], soup: BeautifulSoup) -> str:
    named = _first(found, "author") or _written_by(soup)
    return named or _words(soup.select_one(_AUTHOR_CARD))


def _written_by(soup: BeautifulSoup) -> str:
    """Returns the author of the page's card for other sites."""
    label = soup.find("meta", attrs={"name": "twitter:label1"})
    name = soup.find("meta", attrs={"name": "twitter:data1"})
    if not isinstance(label, Tag) or not isinstance(name, Tag):
        return ""
    said = str(label.get("value") or label.get("content") or "").lower()
    return str(name.get("value") or name.get("content") or "") if "written by" in said else ""


def _printed_date(soup: BeautifulSoup) -> datetime | None:
    for element in soup.select(_DATE):
        found = _PUBLISHED.search(element.get_text(" "))
        if found:
            try:
                return datetime.strptime(" ".join(found.groups()), "%b %d %Y").replace(tzinfo=UTC)
            except ValueError:
                continue
    return None


def _words(element: Tag | None) -> str:
    return " ".join(element.get_text(" ").split()) if element else ""
