"""Pages of a site from its sitemap (https://www.sitemaps.org/protocol.html)."""

import zlib
from collections.abc import Iterator, Sequence

from lxml import etree

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.decoding import decompressed
from llm_engineering.infrastructure.crawlers.fetcher import TEXT_TYPES, XML_TYPES, Fetcher
from llm_engineering.infrastructure.crawlers.html_tree import absolute_url, may_be_page

_MAX_SITEMAPS = 100  # files read of one site
_MAX_BYTES = 50_000_000  # of one file, decompressed: the protocol's own limit
_GZIP_MAGIC = b"\x1f\x8b"


def sitemap_pages(addresses: Sequence[str], fetcher: Fetcher) -> Iterator[str | FetchError]:
    """Yields the pages that the sitemaps (or indexes of sitemaps) list, and what was unreadable."""
    waiting = list(dict.fromkeys(addresses))
    read: set[str] = set()
    while waiting and len(read) < _MAX_SITEMAPS:
        address = waiting.pop(0)
        if address in read:
            continue
        read.add(address)
        try:
            root = _parsed(address, fetcher)
        except FetchError as error:
            yield error
            continue
        if etree.QName(root).localname == "sitemapindex":
            waiting += _locations(root, address)
        else:
            yield from filter(may_be_page, _locations(root, address))


def _parsed(address: str, fetcher: Fetcher) -> etree._Element:
    body = fetcher.fetch(address, XML_TYPES | TEXT_TYPES).body
    if body.startswith(_GZIP_MAGIC):
        body = _unzipped(address, body)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=True)
    try:
        root = etree.fromstring(body, parser) if body.strip() else None
    except etree.XMLSyntaxError:  # bytes of which nothing can be recovered
        root = None
    if root is None or etree.QName(root).localname not in ("urlset", "sitemapindex"):
        raise FetchError(address, "not a sitemap")
    return root


def _unzipped(address: str, body: bytes) -> bytes:
    text = bytearray()
    try:
        for piece in decompressed([body], "gzip"):
            text += piece
            if len(text) > _MAX_BYTES:
                raise FetchError(address, f"larger than {_MAX_BYTES:,} bytes")
    except (ValueError, zlib.error) as error:
        raise FetchError(address, str(error)) from error
    return bytes(text)


def _locations(root: etree._Element, base: str) -> Iterator[str]:
    for location in root.iterfind("./{*}*/{*}loc"):
        address = absolute_url(base, location.text or "")
        if address is not None:
            yield address
