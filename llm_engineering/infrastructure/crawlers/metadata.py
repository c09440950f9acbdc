"""Who wrote a page, when, and what it is called: from what the page declares and what it shows.

Each field has its candidates in the order in which they are believed; the first that makes sense
is taken, and its place is told.
"""

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from lxml import html

from llm_engineering.infrastructure.crawlers.authors import (
    declared_names,
    names_in,
    shown_names,
    without,
)
from llm_engineering.infrastructure.crawlers.page_dates import date_in_address, moment
from llm_engineering.infrastructure.crawlers.page_titles import Sourced, title_of
from llm_engineering.infrastructure.crawlers.structured_data import JSON_LD, Value, read

if TYPE_CHECKING:
    from trafilatura.settings import Document

T = TypeVar("T")

_TITLES = ("og:title", "twitter:title", "citation_title", "dc.title", "title")
_AUTHORS = (
    *("citation_author", "dc.creator", "dcterms.creator", "parsely-author", "sailthru.author"),
    *("author", "article:author", "og:article:author", "book:author", "byl", "authors"),
)
_PUBLISHED = (
    *("article:published_time", "og:article:published_time", "datepublished", "parsely-pub-date"),
    *("sailthru.date", "citation_online_date", "citation_publication_date", "dc.date.issued"),
    *("dcterms.created", "dc.date.created", "dc.date", "dc:date", "publish-date", "publish_date"),
    *("pubdate", "cxenseparse:recs:publishtime", "article.published", "date"),
)
_MODIFIED = (
    *("article:modified_time", "og:article:modified_time", "og:updated_time", "datemodified"),
    *("dcterms.modified", "dc.date.modified", "last-modified", "lastmod"),
)
_WRITTEN_BY = re.compile(r"written|verfasst|geschrieben|écrit|escrit|autor|author", re.I)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?![A-Za-z])")


@dataclass(frozen=True)
class Facts:
    """What was found about a page, and in `sources` where."""

    title: str
    author: str | None
    published: datetime | None
    modified: datetime | None
    language: str | None
    sources: Mapping[str, str]


def facts_of(tree: html.HtmlElement, url: str, now: datetime, *, in_text: bool = True) -> Facts:
    """Returns what the page from `url` says about itself; dates after `now` are not believed.

    Args:
        tree: the page; it is not changed.
        url: where it came from.
        now: the present.
        in_text: whether dates and names in the text may be the page's.
    """
    page = _Page(tree, url, now, in_text)
    title, title_source = title_of(tree, url, list(page.titles()), page.site_names)
    sources = {"title": title_source}
    return Facts(
        title=title,
        author=_first("author", page.authors(), sources),
        published=_first("published", page.published(), sources),
        modified=_first("modified", page.modified(), sources),
        language=_first("language", page.languages(), sources),
        sources=sources,
    )


def _first(
    name: str, candidates: Iterable[tuple[T | None, str]], sources: dict[str, str]
) -> T | None:
    for value, source in candidates:
        if value is not None:
            sources[name] = source
            return value
    return None


class _Page:
    """The candidates of one page; what several fields need is read once."""

    def __init__(self, tree: html.HtmlElement, url: str, now: datetime, in_text: bool) -> None:
        self._tree = tree
        self._url = url
        self._now = now
        self._in_text = in_text

    @cached_property
    def _json_ld(self) -> Mapping[str, Sequence[Value]]:
        return read(self._tree, "article")

    @cached_property
    def _meta(self) -> Mapping[str, Sequence[str]]:
        """The `meta` elements of the head by lower-case name."""
        found: dict[str, list[str]] = {}
        for element in self._tree.xpath("//head//meta[@content]"):
            content = " ".join(element.get("content").split())
            name = element.get("property") or element.get("name") or element.get("itemprop") or ""
            if content and name:
                found.setdefault(name.strip().lower(), []).append(content)
        return found

    def _metas(self, names: Sequence[str]) -> Iterator[Sourced]:
        for name in names:
            for content in self._meta.get(name, ()):
                yield content, f"meta {name}"

    def _texts(self, field: str) -> Iterator[Sourced]:
        for value in self._json_ld.get(field, ()):
            if isinstance(value.value, str):
                yield value.value, value.source

    @cached_property
    def site_names(self) -> frozenset[str]:
        """Names of the site and its publisher, case-folded: nobody's, and no title."""
        names = [text for text, _ in self._texts("publisher")]
        for key in ("og:site_name", "application-name", "twitter:site"):
            names += self._meta.get(key, ())
        host = (urlsplit(self._url).hostname or "").removeprefix("www.")
        folded = {" ".join(name.casefold().split()) for name in names}
        return frozenset(folded | {host, host.partition(".")[0]})

    def titles(self) -> Iterator[Sourced]:
        yield from self._texts("title")
        yield from self._metas(_TITLES)
        yield from self._texts("page_title")

    def authors(self) -> Iterator[tuple[str | None, str]]:
        """Yields people before the site itself: what is called like its author comes last."""
        found = list(self._declared_authors())
        if not any(without(names, self.site_names) for names, _ in found):
            found += shown_names(self._tree) if self._in_text else ()
        yield from ((without(names, self.site_names), source) for names, source in found)
        yield without(self._searched_author, self.site_names), "trafilatura"
        yield from found

    def _declared_authors(self) -> Iterator[tuple[str | None, str]]:
        named = [value.value for value in self._json_ld.get("named", ())]
        for key in ("author", "page_author"):
            for value in self._json_ld.get(key, ()):
                yield declared_names([value.value], named), JSON_LD
        for name in _AUTHORS:
            names: Sequence[str] = [
                one for text in self._meta.get(name, ()) for one in names_in(text)
            ]
            yield ", ".join(dict.fromkeys(names)) or None, f"meta {name}"
        for number in ("1", "2"):  # as a plugin of WordPress writes it for previews
            label = self._meta.get(f"twitter:label{number}", ("",))[0]
            if _WRITTEN_BY.search(label):
                names = names_in(self._meta.get(f"twitter:data{number}", ("",))[0])
                yield ", ".join(names) or None, f"meta twitter:data{number}"

    def published(self) -> Iterator[tuple[datetime | None, str]]:
        for text, source in (
            *self._texts("published"),
            *self._metas(_PUBLISHED),
            *self._texts("page_published"),
            *(self._times("datePublished") if self._in_text else ()),
        ):
            yield moment(text, self._now), source
        yield date_in_address(self._url, self._now), "address"
        yield self._searched_date, "trafilatura"

    def modified(self) -> Iterator[tuple[datetime | None, str]]:
        for text, source in (
            *self._texts("modified"),
            *self._metas(_MODIFIED),
            *self._texts("page_modified"),
            *(self._times("dateModified") if self._in_text else ()),
        ):
            yield moment(text, self._now), source

    def _times(self, name: str) -> Iterator[Sourced]:
        for element in self._tree.xpath(f"//*[@itemprop='{name}']"):
            text = element.get("datetime") or element.get("content") or element.text or ""
            yield text, f"itemprop {name}"

    def languages(self) -> Iterator[tuple[str | None, str]]:
        declared = (
            (self._tree.get("lang", ""), "html lang"),
            *self._texts("language"),
            *self._metas(("og:locale", "content-language", "dc.language", "language")),
        )
        for text, source in declared:
            found = _LANGUAGE.match(text.strip())
            yield (found[0].lower() if found else None), source

    @cached_property
    def _searched_author(self) -> str | None:
        author: str | None = self._search(extensive=False).author
        return ", ".join(names_in((author or "").replace(";", ","))) or None

    @cached_property
    def _searched_date(self) -> datetime | None:
        return moment(self._search(extensive=self._in_text).date or "", self._now)

    def _search(self, *, extensive: bool) -> "Document":
        """Returns what trafilatura finds; its search is wide and slow, so it comes last."""
        from trafilatura.metadata import extract_metadata  # noqa: PLC0415 - a second to import

        described = copy.deepcopy(self._tree) if self._in_text else _head_of(self._tree)
        dates = {"original_date": True, "extensive_search": extensive}
        limit = {"max_date": f"{self._now:%Y-%m-%d}"}
        return extract_metadata(described, self._url, date_config={**dates, **limit})


def _head_of(tree: html.HtmlElement) -> html.HtmlElement:
    """Returns a page of nothing but the head and the first heading."""
    page = html.document_fromstring("<html><head></head><body></body></html>")
    for path, place in ((".//head", page), (".//h1", page.find("body"))):
        found = tree.find(path)
        if found is not None:
            place.append(copy.deepcopy(found))
    return page
