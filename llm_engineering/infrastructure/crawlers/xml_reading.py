"""XML of strangers: read without entities, DTDs and network, repaired where it is broken."""

import html
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lxml import etree

_ENTITY_DECLARATION = re.compile(r"<!ENTITY", re.I)
# Feeds use HTML's entities without declaring them; XML itself knows five, which stay.
_HTML_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z][A-Za-z0-9]{1,30};")
# Neither is a character of XML 1.0 (https://www.w3.org/TR/xml/#charsets).
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def xml_root(text: str, url: str) -> etree._Element | None:
    """Returns the root element of an XML text, None when nothing of it can be read.

    A text that declares entities is not read: neither feeds nor sitemaps need them, attacks do.
    """
    if _ENTITY_DECLARATION.search(text):
        return None
    known = _HTML_ENTITY.sub(lambda name: html.unescape(name[0]), _CONTROL.sub("", text))
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, load_dtd=False, no_network=True,
        huge_tree=False, recover=True,
    )  # fmt: skip
    data = known.strip().encode("utf-8", "replace")
    try:
        return etree.fromstring(data, parser, base_url=url) if data else None
    except (etree.XMLSyntaxError, ValueError):
        return None


def instant(stamp: str | None) -> datetime | None:
    """Returns the moment that an RFC 822 or ISO 8601 stamp means, None when it is neither.

    A stamp without a zone is read as UTC.
    """
    text = " ".join((stamp or "").split())
    moment = None
    for read in (datetime.fromisoformat, parsedate_to_datetime, _day):
        try:
            moment = moment or read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    if moment is None:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:  # year 1 or 9999, in another zone
        return None


def _day(text: str) -> datetime:
    """An RFC 822 date without a time, which feeds have now and then."""
    return parsedate_to_datetime(f"{text} 00:00:00 GMT")
