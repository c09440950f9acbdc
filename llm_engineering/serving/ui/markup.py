"""Text as HTML: everything is escaped, some of it marked, and only sources are linked.

What models and documents say never becomes an element, an attribute or a link.
"""

from collections.abc import Iterable
from html import escape
from typing import NamedTuple
from urllib.parse import urlsplit


class Span(NamedTuple):
    """The characters `start` to `end` (exclusive), to be put between two tags."""

    start: int
    end: int
    opening: str
    closing: str


def text_html(text: str) -> str:
    """Returns the text, escaped; its lines stay lines."""
    return escape(text).replace("\n", "<br>")


def marked(text: str, spans: Iterable[Span]) -> str:
    """Returns the text, escaped, with the spans between their tags.

    What of a span lies outside of the text, or in an earlier span, is left out.
    """
    parts, at = [], 0
    for start, end, opening, closing in sorted(spans):
        begin, stop = max(start, at), min(end, len(text))
        if begin >= stop:
            continue
        parts += [text_html(text[at:begin]), opening, text_html(text[begin:stop]), closing]
        at = stop
    return "".join([*parts, text_html(text[at:])])


def link_to(url: str, label: str) -> str:
    """Returns a link to a page on the web; only the label where `url` is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return escape(label)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return escape(label)
    return (
        f'<a class="original" href="{escape(url)}" target="_blank" '
        f'rel="noopener noreferrer nofollow">{escape(label)}</a>'
    )
