"""Pages that show only the beginning to those who do not pay."""

import re
from collections.abc import Mapping

from lxml import html

from llm_engineering.infrastructure.crawlers.structured_data import JSON_LD, json_values

_MEDIUM_PREVIEW = re.compile(r'"isLockedPreviewOnly"\s*:\s*(true|false)')
_FREE = "isAccessibleForFree"  # https://schema.org/isAccessibleForFree
_WORKS = ("Article", "Posting", "CreativeWork", "Report", "WebPage")


def why_locked(text: str, tree: html.HtmlElement) -> str | None:
    """Returns why a page is not the whole article by its own word, None when it does not say so.

    Medium says whether it sent a preview. Others mark paid content as schema.org asks them to;
    what such a page shows is never taken for the whole, though a site may have sent all of it.

    Args:
        text: the page as it came.
        tree: the same, with its JSON-LD.
    """
    medium = _MEDIUM_PREVIEW.search(text)
    if medium:
        return "for members of Medium only: the page is a preview" if medium[1] == "true" else None
    if _FREE in text and any(map(_is_paid, json_values(tree, JSON_LD))):
        return "behind a paywall: the page says that its text is not free to read"
    return None


def _is_paid(thing: Mapping[str, object]) -> bool:
    kinds = thing.get("@type")
    named = kinds if isinstance(kinds, list) else ()
    is_work = any(str(kind).endswith(_WORKS) for kind in named)
    return is_work and str(thing.get(_FREE)).rpartition("/")[2].lower() == "false"
