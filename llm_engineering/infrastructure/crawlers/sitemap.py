"""Sitemaps: the pages of a site and when they changed (https://www.sitemaps.org/protocol.html)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from lxml import etree

from llm_engineering.infrastructure.crawlers.html_tree import absolute_url, may_be_page
from llm_engineering.infrastructure.crawlers.xml_reading import instant

MAX_PAGES = 50_000  # of one file: the protocol's own limit
_DATE_ONLY = re.compile(r"\d{4}-\d{2}-\d{2}")
_END_OF_DAY = timedelta(days=1, seconds=-1)


@dataclass(frozen=True)
class Listed:
    """A page, or one more sitemap, on the sitemap's own site."""

    url: str
    modified: datetime | None = None
    title: str | None = None
    published: datetime | None = None


def is_sitemap(root: etree._Element) -> bool:
    """Returns whether an XML document is a sitemap or an index of sitemaps by its root."""
    return etree.QName(root).localname in ("urlset", "sitemapindex")


def is_index(root: etree._Element) -> bool:
    """Returns whether what a sitemap lists are sitemaps."""
    return str(etree.QName(root).localname) == "sitemapindex"


def listed_in(root: etree._Element, url: str) -> Iterator[Listed]:
    """Yields what a sitemap that came from `url` lists of its own site, each address once."""
    index = is_index(root)
    seen: set[str] = set()
    for item in root.iterfind("./{*}sitemap" if index else "./{*}url"):
        address = absolute_url(url, item.findtext("{*}loc") or "")
        if address is None or address in seen or not same_site(address, url):
            continue
        if index or may_be_page(address):
            seen.add(address)
            yield Listed(
                url=address,
                modified=last_change(item.findtext("{*}lastmod")),
                title=" ".join((item.findtext("{*}news/{*}title") or "").split()) or None,
                published=instant(item.findtext("{*}news/{*}publication_date")),
            )


def listed_in_text(text: str, url: str) -> Iterator[Listed]:
    """Yields the pages of a plain text sitemap: an address a line."""
    for line in dict.fromkeys(text.split("\n")):
        address = absolute_url(url, line) if line.strip().startswith(("http:", "https:")) else None
        if address is not None and same_site(address, url) and may_be_page(address):
            yield Listed(address)


def last_change(lastmod: str | None) -> datetime | None:
    """Returns when a page was last changed; a day without a time means its end.

    A page that was visited on that day may have changed later on the same day.
    """
    moment = instant(lastmod)
    date_only = _DATE_ONLY.fullmatch((lastmod or "").strip())
    return moment + _END_OF_DAY if moment and date_only else moment


def same_site(address: str, url: str) -> bool:
    """Returns whether two addresses are of one host and port, `www.` and the scheme aside."""
    return address.startswith(("http://", "https://")) and _site(address) == _site(url)


def _site(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2].lower().removeprefix("www.")
